import { freeSpace } from '../../host/findings/index.ts';
import { isOnThisMachine } from '../choose-backend.ts';
import { memoryNeed } from '../memory.ts';
import type { EnvironmentRecord } from '../record.ts';

/** How much of something is wanted, and how much there is; MiB. */
export interface Need {
  readonly wantedMb: number;
  readonly freeMb: number;
}

/** What an environment takes of this host beyond what it has. */
export interface Room {
  readonly memory: Need;
  /** When its disks are full: they take space as they fill up. `place` is the folder where they lie or will. */
  readonly disk: Need & { readonly place: string };
}

/** undefined for a machine on another host, which cannot be seen from here. */
export async function roomFor(
  wanted: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
): Promise<Room | undefined> {
  const memory = await memoryNeed(wanted, before);
  if (memory === undefined || !isOnThisMachine(wanted.uri)) return undefined;
  const { place, freeMb } = await freeSpace(wanted.pool.path);
  const moreMb = disksOf(wanted) - (before?.phase === 'up' ? disksOf(before) : 0);
  return {
    memory: { wantedMb: Math.max(0, memory.moreMb), freeMb: memory.availableMb },
    disk: { wantedMb: Math.max(0, moreMb), freeMb, place },
  };
}

const disksOf = ({ resources }: EnvironmentRecord): number =>
  resources.ephemeralDiskMb + resources.persistentDiskMb;
