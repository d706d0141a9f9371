/** An environment's director: how to log in to it, and what is done with it through the bosh CLI. */
export { type DirectorAccess, directorAccess, hasDirector } from './access.ts';
export { applyConfig } from './apply-config.ts';
export { askDirector } from './ask-director.ts';
export { type DirectorBosh, directorBosh } from './director-bosh.ts';
export { directorInputs } from './director-inputs.ts';
export { directorTrouble } from './director-state.ts';
export { waitForDirector } from './wait-for-director.ts';
export { waitForLogin } from './wait-for-login.ts';
