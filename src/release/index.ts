/** The CPI as a BOSH release. */
export { buildCpiRelease } from './build-cpi-release.ts';
