import { isDeepStrictEqual } from 'node:util';
import type { DiskRecord } from '../state-file.ts';
import type { Deployment } from './deployment.ts';
import type { MachinePlan } from './manifest/index.ts';
import { diskMetadata } from './metadata.ts';

/** After a change of its hardware a guest may be busy for a while. */
const agentTimeoutMs = 10 * 60_000;

type DiskPlan = NonNullable<MachinePlan['disk']>;

/** The VM whose disks are looked after, and the plan that they are held against. */
interface Machine {
  readonly deployment: Deployment;
  readonly plan: MachinePlan;
  readonly vm: string;
}

/**
 * Attaches the persistent disk, or makes it; another size or other properties: a new disk takes over the content of the old
 * one. Disks that nothing uses any more are deleted. A manifest without a disk leaves what is there alone, as bosh does.
 */
export async function updateDisks(deployment: Deployment, plan: MachinePlan, vm: string): Promise<void> {
  const wanted = plan.disk;
  if (!wanted) return;
  const { state } = deployment;
  const machine = { deployment, plan, vm };
  const current = state.currentDisk;
  if (!current) await makeFirst(machine, wanted);
  else {
    await attach(machine, current);
    if (isAnother(wanted, current)) await migrate(machine, wanted, current);
  }
  for (const disk of state.disks) if (disk.id !== state.currentDisk?.id) await deleteDisk(deployment, disk);
}

/** Deletes a disk, and then what the state knows of it. */
export async function deleteDisk({ cloud, state, context }: Deployment, disk: DiskRecord): Promise<void> {
  context.onProgress(`deleting disk ${disk.cid}`);
  await cloud.deleteDisk(disk.cid);
  await state.forgetDisk(disk);
}

const isAnother = (wanted: DiskPlan, there: DiskRecord): boolean =>
  wanted.sizeMb !== there.size || !isDeepStrictEqual(wanted.cloudProperties, { ...there.cloud_properties });

async function makeFirst(machine: Machine, wanted: DiskPlan): Promise<void> {
  const disk = await create(machine, wanted);
  await attach(machine, disk);
  await machine.deployment.state.change({ current_disk_id: disk.id });
}

/** The old disk stays current until the new one holds everything: a kill on the way loses the new one only. */
async function migrate(machine: Machine, wanted: DiskPlan, old: DiskRecord): Promise<void> {
  const { cloud, agent, state, context } = machine.deployment;
  const fresh = await create(machine, wanted);
  await attach(machine, fresh);
  context.onProgress(`copying disk ${old.cid} to ${fresh.cid}`);
  await agent.migrateDisk();
  await state.change({ current_disk_id: fresh.id });
  context.onProgress(`detaching disk ${old.cid}`);
  await agent.removePersistentDisk(old.cid);
  await cloud.detachDisk(machine.vm, old.cid);
  await agent.ping({ timeoutMs: agentTimeoutMs, signal: context.signal });
}

/** Makes a disk and writes it down at once. */
async function create({ deployment, vm }: Machine, wanted: DiskPlan): Promise<DiskRecord> {
  const { cloud, state, context } = deployment;
  const { sizeMb, cloudProperties } = wanted;
  context.onProgress(`creating a persistent disk of ${sizeMb} MiB`);
  const cid = await cloud.createDisk(sizeMb, cloudProperties, vm);
  return await state.addDisk({
    cid,
    size: sizeMb,
    cloud_properties: cloudProperties as Record<string, unknown>,
  });
}

async function attach({ deployment, plan, vm }: Machine, { cid }: DiskRecord): Promise<void> {
  const { cloud, agent, context } = deployment;
  context.onProgress(`attaching disk ${cid}`);
  const hint = await cloud.attachDisk(vm, cid);
  await cloud.setDiskMetadata(cid, diskMetadata(plan, new Date()));
  await agent.ping({ timeoutMs: agentTimeoutMs, signal: context.signal });
  if (hint !== null) await agent.addPersistentDisk(cid, hint);
  await agent.mountDisk(cid);
}
