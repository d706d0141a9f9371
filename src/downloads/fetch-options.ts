import type { Log } from '../platform/log.ts';
import type { LockTarget } from './fetch-locked.ts';

/** How long and how often a server is tried. */
export interface Patience {
  /** Attempts at an address, without any of them getting further than those before. */
  readonly attempts: number;
  /** Before the second attempt; twice as long before each further one. */
  readonly retryDelayMs: number;
  /** A server that sends nothing for so long has failed. */
  readonly stallMs: number;
}

export const usualPatience: Patience = { attempts: 5, retryDelayMs: 1000, stallMs: 60_000 };

export interface FetchOptions {
  /** boshvirt's cache folder; downloads lie in `downloads/` in it. */
  readonly cacheDir: string;
  /** Nothing is asked of the network: what is not in the cache is an error. */
  readonly offline: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Words about what is going on, for whoever waits. */
  readonly onProgress?: (line: string) => void;
  /** Artifacts without a checksum are fetched anew, also when one is in the cache. */
  readonly refresh?: boolean;
  /** The file that says which bytes an address has to give, and is told which it gave. */
  readonly lock?: LockTarget;
  readonly patience?: Partial<Patience>;
}
