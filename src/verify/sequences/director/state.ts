import { randomUUID } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../../cpi/backend.ts';
import { expectHint } from '../../expectations.ts';
import type { MadeVm, Trial } from '../../trial.ts';

export interface Disk {
  cid: string;
  hint: JsonValue;
  sizeMb: number;
}

/** A deployment of two VMs, as the director knows it. */
export interface DirectorState {
  /** What calculate_vm_cloud_properties answered. */
  calculated: JsonObject | undefined;
  managed: { cid: string; cloudProperties: JsonObject } | undefined;
  a: MadeVm;
  b: MadeVm;
  /** Stands only for the clauses about its networks. */
  special: MadeVm;
  disk: Disk;
  dynamic: Disk[];
  /** Made for the clauses on sizes. */
  growing: Disk;
  snapshots: string[];
  /** Written to the disk before the first, and between the first and the second snapshot. */
  readonly notes: readonly [string, string];
}

const nothing: MadeVm = { cid: '', agentId: '', address: '', sent: {}, networks: {} };
const noDisk = (): Disk => ({ cid: '', hint: null, sizeMb: 0 });

export const beginDirector = (): DirectorState => ({
  calculated: undefined,
  managed: undefined,
  a: nothing,
  b: nothing,
  special: nothing,
  disk: noDisk(),
  dynamic: [],
  growing: noDisk(),
  snapshots: [],
  notes: [`verify-first-${randomUUID()}`, `verify-second-${randomUUID()}`],
});

export async function createDisk(trial: Trial, sizeMb: number, near: MadeVm): Promise<Disk> {
  const cid = await trial.made('create_disk', sizeMb, trial.scene.diskProperties, near.cid);
  return { cid, hint: null, sizeMb };
}

/** attach_disk; keeps the hint in the disk. */
export async function attach(trial: Trial, vm: MadeVm, disk: Disk): Promise<void> {
  disk.hint = await trial.call('attach_disk', vm.cid, disk.cid);
  expectHint(trial, disk.hint);
}
