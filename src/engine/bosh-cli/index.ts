/** create-env by the real bosh CLI. */
export { BoshCliEngine, type BoshCliOptions } from './bosh-cli-engine.ts';
export { type BoshProgram, findBosh, rubyPresent } from './find-bosh.ts';
