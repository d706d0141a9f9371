export type { Artifact, Fetched } from './artifact.ts';
export { type FetchOptions, fetchArtifacts } from './fetch-artifacts.ts';
export { seedBoshDownloads } from './seed-bosh-downloads.ts';
