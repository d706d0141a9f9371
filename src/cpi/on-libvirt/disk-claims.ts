import type { DiskCid, VmCid } from '../backend.ts';
import { isVmCid } from './cids.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { deleteVolume, readVolume, volumeXml, writeVolume } from './volumes.ts';

/**
 * A disk's claim, a small volume beside it, names the VM that it was last given to. It is written before the disk is plugged
 * in, so that a look at that one VM tells who has the disk, however many VMs there are. It may be late, never early: whether
 * the VM still has the disk, its definition tells.
 */
const diskClaim = (disk: DiskCid): string => `${disk}-vm.claim`;

/** The claim of a new disk: no VM's yet. */
export async function makeDiskClaim(host: LibvirtHost, disk: DiskCid): Promise<void> {
  const pool = await host.pool();
  await pool.createVolume(
    volumeXml({ name: diskClaim(disk), capacityBytes: 0, format: 'raw', mode: '0600' }),
  );
}

export async function writeDiskClaim(host: LibvirtHost, disk: DiskCid, vm: VmCid): Promise<void> {
  await writeVolume(await host.pool(), diskClaim(disk), Buffer.from(vm));
}

/**
 * '' for a disk that no VM had yet; undefined if there is no claim, as for disks that an earlier version made, or one that a
 * killed call left half written: any VM may have it.
 */
export async function readDiskClaim(host: LibvirtHost, disk: DiskCid): Promise<string | undefined> {
  const claim = (await readVolume(await host.pool(), diskClaim(disk)))?.toString('utf8');
  return claim === '' || isVmCid(claim ?? '') ? claim : undefined;
}

export async function deleteDiskClaim(host: LibvirtHost, disk: DiskCid): Promise<void> {
  await deleteVolume(await host.pool(), diskClaim(disk));
}
