import type { Volume } from '../../../clients/libvirt/index.ts';
import type { DiskCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { DiskGrowth, DiskMedium } from '../../on-libvirt/disks.ts';
import { requireFreeBytes } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { volumeXml } from '../../on-libvirt/volumes.ts';
import { userOfDisk } from './disk-users.ts';
import {
  canGrowMounted,
  copyFrozen,
  growFilesystem,
  growMountedFilesystem,
  makeFilesystem,
} from './filesystems.ts';
import { closeLoopDevice, isMounted, loopDeviceOf, readSizeAnew } from './loop-devices.ts';
import { writeEmptyPartitionTable } from './partition-table.ts';
import { diskVolume, snapshotVolume } from './volume-names.ts';

/**
 * Disks as sparse files with an ext4 file system that fills them, since a container's agent formats none. A disk is as large
 * as BOSH wants it, however large the file system below is.
 */
export const diskFiles = (host: LibvirtHost): DiskMedium => ({
  format: 'raw',
  diskVolume,
  snapshotVolume,
  userOf: (cid) => userOfDisk(host, cid),
  async prepare(volume) {
    const path = await volume.path();
    await makeFilesystem(path);
    await writeEmptyPartitionTable(path);
  },
  grow: growFile,
  copy: (_, source, name) => copyFile(host, source, name),
  async letGo(cid, volume) {
    await closeLoopDevice({ name: cid, path: await volume.path() });
  },
});

/** With its file system, for no agent grows one that it has not made; also while a container has it mounted. */
async function growFile(
  cid: DiskCid,
  volume: Volume,
  { wantedBytes, capacityBytes }: DiskGrowth,
): Promise<void> {
  const path = await volume.path();
  const device = await loopDeviceOf({ name: cid, path });
  const mounted = device !== undefined && (await isMounted(device));
  if (mounted && !(await canGrowMounted())) throw cannotGrowMounted(cid);
  // also for a size that it has: a killed call may have grown the file alone
  if (wantedBytes > capacityBytes) await volume.resize(wantedBytes);
  if (device !== undefined) await readSizeAnew(device);
  if (mounted) await growMountedFilesystem(device);
  else await growFilesystem(device ?? path);
}

async function copyFile(host: LibvirtHost, source: Volume, name: string): Promise<void> {
  const { capacityBytes, allocationBytes } = await source.info();
  await requireFreeBytes(host, allocationBytes, 'The copy');
  const pool = await host.pool();
  const copy = await pool.createVolume(volumeXml({ name, capacityBytes, format: 'raw', mode: '0600' }));
  await copyFrozen([{ from: await source.path(), to: await copy.path() }]);
}

const cannotGrowMounted = (cid: DiskCid): CloudError =>
  new CloudError(
    'NotSupported',
    `Disk '${cid}' is mounted in a VM, and this machine’s root may not grow mounted file systems (no CAP_SYS_RESOURCE)`,
    { hints: ['detach the disk first, as the director does'] },
  );
