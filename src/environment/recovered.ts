import type { Revival, VmCid } from '../cpi/backend.ts';

/** One thing that was looked at: how it was, and what was done about it. */
export interface Recovered {
  readonly part: 'host' | Revival['part'] | 'agent' | 'clock' | 'cpi-server' | 'director' | 'deployment';
  readonly name: string;
  readonly found: string;
  /** undefined: nothing had to be, or could be. */
  readonly done: string | undefined;
  /** What could not be done, and what somebody else is to do about it. */
  readonly advice?: string;
}

/** Whether the machine went on from where it had been: its clock did too. */
export const slept = (
  report: readonly Pick<Recovered, 'part' | 'name' | 'found'>[],
  machine: VmCid | undefined,
): boolean =>
  report.some(
    ({ part, name, found }) => part === 'vm' && name === machine && ['paused', 'suspended'].includes(found),
  );
