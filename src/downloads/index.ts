export type { Artifact, Fetched } from './artifact.ts';
export { DownloadCache } from './download-cache.ts';
export { fetchArtifacts } from './fetch-artifacts.ts';
export type { LockTarget } from './fetch-locked.ts';
export type { FetchOptions } from './fetch-options.ts';
export type { KeptFile } from './kept-file.ts';
export { type Leftover, leftovers } from './leftovers.ts';
export {
  changeLockFile,
  type Locked,
  type LockFile,
  lockedFor,
  lockedOf,
  readLockFile,
} from './lock-file.ts';
export { knownLockFiles, rememberLockFile } from './lock-files.ts';
export { readBundle } from './read-bundle.ts';
export { seedBoshDownloads } from './seed-bosh-downloads.ts';
export { dropUnfinished, listUnfinished, type Unfinished } from './unfinished.ts';
export { type WhereItIs, whatIsThere } from './what-is-there.ts';
export { writeBundle } from './write-bundle.ts';
