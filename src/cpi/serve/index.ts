/** The CPI over HTTPS, for directors in VMs: docs/cpi-serve.md. */
export { type ServeOptions, type Serving, startServing } from './start-serving.ts';
