import type { Orphan } from '../../cpi/backend.ts';

/** Something that nothing needs any more. */
export interface Finding {
  readonly kind: 'vm' | 'disk' | 'snapshot' | Orphan['kind'] | 'host' | 'stemcell';
  readonly name: string;
  /** Whose it was; undefined for what all environments share. */
  readonly environment: string | undefined;
  /** Why nothing needs it, for people to judge. */
  readonly why: string;
  readonly bytesOnDisk: number;
  /** Somebody may want what is in it: it is deleted only where that is asked for. */
  readonly holdsData: boolean;
}

/** What became of one. */
export interface Outcome {
  readonly finding: Finding;
  /** Why it is still there; undefined: it was deleted. */
  readonly kept: string | undefined;
}

export const isSame = (a: Finding, b: Finding): boolean =>
  a.kind === b.kind && a.name === b.name && a.environment === b.environment;
