/** The CPI as a BOSH release. */
export { buildCpiRelease, type CpiRelease, type CpiReleaseTarget } from './build-cpi-release.ts';
