/** create-env by the real bosh CLI, and what else runs bosh. */
export { BoshCliEngine } from './bosh-cli-engine.ts';
export { boshEnvironment } from './bosh-environment.ts';
export { type BoshProgram, findBosh, rubyPresent } from './find-bosh.ts';
export { boshInputs } from './inputs.ts';
export { Secrets } from './secrets.ts';
