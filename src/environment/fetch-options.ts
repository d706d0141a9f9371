import type { FetchOptions } from '../downloads/index.ts';
import type { DownloadLock } from './download-lock.ts';
import { cacheFolder } from './paths.ts';
import type { Caller } from './steps/step.ts';

/** Of a command's options, what its downloads depend on. */
export interface FetchSettings {
  /** Nothing is fetched: what is not in the cache is an error. */
  readonly offline: boolean;
  readonly downloadLock?: DownloadLock | undefined;
}

/**
 * How a command fetches what it needs: into the user's cache, or with --offline out of it alone. `part` says what for; what is
 * fetched for one part of an environment is locked together. Without it nothing is locked.
 */
export const fetchOptionsOf = (
  { offline, downloadLock }: FetchSettings,
  { log, signal }: Pick<Caller, 'log' | 'signal'>,
  onProgress: (line: string) => void = () => {},
  part?: string,
): FetchOptions => ({
  cacheDir: cacheFolder(),
  offline,
  log,
  signal,
  onProgress,
  ...(downloadLock && part !== undefined ? { lock: { ...downloadLock, part } } : {}),
});
