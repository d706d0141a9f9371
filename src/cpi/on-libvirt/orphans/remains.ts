import type { Orphan, Owners } from '../../backend.ts';
import type { LibvirtHost } from '../libvirt-host.ts';

/** One sort of leftovers: how they are found, and how one of them is taken away. */
export interface Remains {
  readonly kind: Orphan['kind'];
  /** Finds none that somebody may just be making. */
  find(host: LibvirtHost, owners: Owners): Promise<Orphan[]>;
  /** One that `find` has just found again. Throws for what cannot be. */
  remove(host: LibvirtHost, name: string): Promise<void>;
}

/** No call leaves what it makes alone for as long as this; longer ones, as an upload, write all the while. */
const youngMs = 10 * 60_000;

/** Whether somebody may still be at what was last changed at `date`. */
export const isYoung = (date: Date): boolean => Date.now() - date.getTime() < youngMs;

export const isGone = (environment: string): string => `the environment '${environment}' is gone`;
