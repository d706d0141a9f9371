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

export const isGone = (environment: string): string => `the environment '${environment}' is gone`;
