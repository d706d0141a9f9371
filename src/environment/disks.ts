import type { Census, DiskDetails, DiskSnapshotDetails, SnapshotCid } from '../cpi/backend.ts';
import type { Log } from '../platform/log.ts';
import { cidsIn, readBoshState } from './bosh-state.ts';
import { instanceName, isLost } from './ownership.ts';
import { requireRecord } from './record.ts';
import { openBackend } from './session.ts';

export interface EnvironmentDisk extends DiskDetails {
  /** BOSH's name for what it belongs to; undefined until BOSH has said. */
  readonly instance: string | undefined;
  /** No VM has it, no director, and bosh's state does not know it. */
  readonly lost: boolean;
  /** Oldest first. */
  readonly snapshots: readonly SnapshotCid[];
}

export interface EnvironmentDisks {
  readonly disks: readonly EnvironmentDisk[];
  /** Of these disks, and of disks that are gone; oldest first. */
  readonly snapshots: readonly DiskSnapshotDetails[];
}

/** The environment's persistent disks and their snapshots. */
export async function disks(name: string, log: Log): Promise<EnvironmentDisks> {
  const record = await requireRecord(name);
  const known = cidsIn(await readBoshState(name));
  await using backend = await openBackend(record, log);
  return disksFrom(await backend.ground.census(), name, known);
}

export function disksFrom(census: Census, environment: string, known: ReadonlySet<string>): EnvironmentDisks {
  const snapshots = [...census.snapshots].sort((a, b) => a.takenAt.getTime() - b.takenAt.getTime());
  const found = census.disks.map((disk) => {
    const vm = census.vms.find(({ cid }) => cid === disk.attachedTo);
    return {
      ...disk,
      instance: instanceName(disk.metadata, environment) ?? (vm && instanceName(vm.metadata, environment)),
      lost: isLost(disk, known),
      snapshots: snapshots.filter((snapshot) => snapshot.disk === disk.cid).map(({ cid }) => cid),
    };
  });
  return { disks: found, snapshots };
}
