import type { Pool } from '../../clients/libvirt/index.ts';
import { messageOf } from '../../platform/errors.ts';
import type {
  Census,
  DiskCid,
  DiskDetails,
  DiskSnapshotDetails,
  Inventory,
  JsonObject,
  SnapshotCid,
  VmDetails,
  VmFacts,
} from '../backend.ts';
import { type DiskDescription, readDiskDescription } from './disk-descriptions.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { bytesOf, type StoredVolume, storedVolumes } from './stored-volumes.ts';
import { readBoshMetadata } from './vm-records.ts';
import { descriptionVolume, isClaimOn } from './volumes.ts';

/** Adds to an inventory what domains' metadata, volumes and the descriptions beside them tell. */
export async function takeCensus(host: LibvirtHost, inventory: Inventory): Promise<Census> {
  const cids = [...inventory.vms.map(({ cid }) => cid), ...inventory.disks, ...inventory.snapshots];
  const volumes = Map.groupBy(
    await storedVolumes(await activePools(host), new Set<string>(cids)),
    ({ cid }) => cid,
  );
  const of = (cid: string) => volumes.get(cid) ?? [];
  const [vms, disks, snapshots] = await Promise.all([
    Promise.all(inventory.vms.map((vm) => vmDetails(host, vm, of(vm.cid)))),
    Promise.all(inventory.disks.map((cid) => diskDetails(host, cid, of(cid), inventory.vms))),
    Promise.all(inventory.snapshots.map((cid) => snapshotDetails(host, cid, of(cid)))),
  ]);
  return { vms, disks, snapshots };
}

/** A VM's own volumes may lie in other pools than the environment's, which has to be active. */
async function activePools(host: LibvirtHost): Promise<Pool[]> {
  const own = await host.pool();
  const pools = await host.libvirt.listPools();
  const active = await Promise.all(pools.map((pool) => pool.isActive()));
  return [own, ...pools.filter(({ name }, at) => active[at] && name !== own.name)];
}

async function vmDetails(
  host: LibvirtHost,
  vm: VmFacts,
  volumes: readonly StoredVolume[],
): Promise<VmDetails> {
  const domain = await host.findVm(vm.cid);
  return {
    ...vm,
    metadata: domain ? await readBoshMetadata(domain) : {},
    bytesOnDisk: bytesOf(volumes),
    madeAt: firstChange(volumes),
  };
}

/** A VM's settings are written once, when it is made; its disks go on changing. */
function firstChange(volumes: readonly StoredVolume[]): Date | undefined {
  return volumes.map(({ changedAt }) => changedAt).sort((a, b) => a.getTime() - b.getTime())[0];
}

async function diskDetails(
  host: LibvirtHost,
  cid: DiskCid,
  volumes: readonly StoredVolume[],
  vms: readonly VmFacts[],
): Promise<DiskDetails> {
  const content = contentAmong(cid, volumes);
  return {
    cid,
    sizeBytes: content?.sizeBytes ?? 0,
    bytesOnDisk: bytesOf(volumes),
    attachedTo: vms.find((vm) => vm.disks.includes(cid))?.cid,
    metadata: (await descriptionOf(host, cid, volumes))?.metadata ?? {},
    changedAt: content?.changedAt ?? new Date(),
  };
}

async function snapshotDetails(
  host: LibvirtHost,
  cid: SnapshotCid,
  volumes: readonly StoredVolume[],
): Promise<DiskSnapshotDetails> {
  const description = await descriptionOf(host, cid, volumes);
  return {
    cid,
    disk: description?.disk as DiskCid | undefined,
    bytesOnDisk: bytesOf(volumes),
    takenAt: contentAmong(cid, volumes)?.changedAt ?? new Date(),
    metadata: (description?.metadata ?? {}) as JsonObject,
  };
}

const contentAmong = (cid: string, volumes: readonly StoredVolume[]) =>
  volumes.find(({ name }) => name !== descriptionVolume(cid) && !isClaimOn(cid, name));

/** One that a killed call left half written tells nothing. */
async function descriptionOf(
  host: LibvirtHost,
  cid: DiskCid | SnapshotCid,
  volumes: readonly StoredVolume[],
): Promise<DiskDescription | undefined> {
  if (!volumes.some(({ name }) => name === descriptionVolume(cid))) return undefined;
  try {
    return await readDiskDescription(host, cid);
  } catch (error) {
    host.log.warn(`the description of ${cid} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}
