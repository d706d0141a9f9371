import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../engine.ts';
import type { DiskRecord } from '../state-file.ts';
import { type Deployment, metadataOf, now, unlessNotFound } from './deployment.ts';

/**
 * Attaches the persistent disk, or makes it; another size or other properties: a new disk takes over the content of the old
 * one. Disks that nothing uses any more are deleted.
 */
export async function updateDisks(deployment: Deployment, vm: string): Promise<void> {
  const { plan, state, cpi } = deployment;
  const current = state.disks.find((disk) => disk.id === state.state.current_disk_id);
  if (current) await attach(deployment, vm, current);
  if (plan.disk && !current) await makeCurrent(deployment, await create(deployment, vm));
  else if (plan.disk && current && isAnother(plan.disk, current)) await migrate(deployment, vm, current);
  for (const unused of state.disks.filter((disk) => disk.id !== state.state.current_disk_id)) {
    await unlessNotFound(cpi.call('delete_disk', [unused.cid]));
    await state.change({ disks: state.disks.filter((disk) => disk.id !== unused.id) });
  }
}

const isAnother = (wanted: { sizeMb: number; cloudProperties: object }, there: DiskRecord): boolean =>
  wanted.sizeMb !== there.size || !isDeepStrictEqual(wanted.cloudProperties, { ...there.cloud_properties });

/** Makes a disk, writes it down, attaches and mounts it. */
async function create(deployment: Deployment, vm: string): Promise<DiskRecord> {
  const { plan, state, cpi, context } = deployment;
  const { sizeMb, cloudProperties } = plan.disk as NonNullable<typeof plan.disk>;
  context.onProgress(`creating a persistent disk of ${sizeMb} MiB`);
  const cid = String(await cpi.call('create_disk', [sizeMb, cloudProperties, vm]));
  const record = { id: randomUUID(), cid, size: sizeMb, cloud_properties: cloudProperties };
  await state.change({ disks: [...state.disks, record] });
  await attach(deployment, vm, record);
  return record;
}

async function makeCurrent({ state }: Deployment, disk: DiskRecord): Promise<void> {
  await state.change({ current_disk_id: disk.id });
}

async function attach(
  { plan, cpi, agent, context }: Deployment,
  vm: string,
  { cid }: DiskRecord,
): Promise<void> {
  context.onProgress(`attaching disk ${cid}`);
  const hint: JsonValue = await cpi.call('attach_disk', [vm, cid]);
  await cpi.call('set_disk_metadata', [
    cid,
    { ...metadataOf(plan), instance_index: '0', attached_at: now() },
  ]);
  await agent.ping({ timeoutMs: 60_000, signal: context.signal });
  await agent.addPersistentDisk(cid, hint);
  await agent.mountDisk(cid);
}

async function migrate(deployment: Deployment, vm: string, old: DiskRecord): Promise<void> {
  const { cpi, agent, context } = deployment;
  const fresh = await create(deployment, vm);
  context.onProgress(`copying ${old.cid} to ${fresh.cid}`);
  await agent.migrateDisk();
  await makeCurrent(deployment, fresh);
  await agent.removePersistentDisk(old.cid);
  await cpi.call('detach_disk', [vm, old.cid]);
}
