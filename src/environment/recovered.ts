import type { Revival } from '../cpi/backend.ts';

/** One thing that was looked at: how it was, and what was done about it. */
export interface Recovered {
  readonly part: 'host' | Revival['part'] | 'agent' | 'clock' | 'cpi-server' | 'director' | 'deployment';
  readonly name: string;
  readonly found: string;
  /** undefined: nothing had to be. */
  readonly done: string | undefined;
}
