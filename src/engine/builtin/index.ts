/** create-env without bosh, for manifests that have nothing to compile and render. */
export { BuiltinEngine } from './builtin-engine.ts';
