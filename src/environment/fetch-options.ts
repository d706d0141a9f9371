import type { FetchOptions } from '../downloads/index.ts';
import { cacheFolder } from './paths.ts';
import type { Caller } from './steps/step.ts';
import type { UpOptions } from './up-job.ts';

/** How a command fetches what it needs: into the user's cache, or with --offline out of it alone. */
export const fetchOptionsOf = (
  { offline }: Pick<UpOptions, 'offline'>,
  { log, signal }: Pick<Caller, 'log' | 'signal'>,
  onProgress: (line: string) => void = () => {},
): FetchOptions => ({ cacheDir: cacheFolder(), offline, log, signal, onProgress });
