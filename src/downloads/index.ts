export type { Artifact, Fetched } from './artifact.ts';
export { fetchArtifacts } from './fetch-artifacts.ts';
export type { LockTarget } from './fetch-locked.ts';
export type { FetchOptions } from './fetch-options.ts';
export { seedBoshDownloads } from './seed-bosh-downloads.ts';
export { type WhereItIs, whatIsThere } from './what-is-there.ts';
