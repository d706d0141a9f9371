import type { Volume } from '../../../clients/libvirt/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import type { DiskCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { DiskGrowth } from '../../on-libvirt/disks.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import { refuseFullPool } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { userOfDisk } from './disk-users.ts';

const bytesPerMb = 1024 * 1024;

/**
 * Grows a disk. A running VM, paused or not, does it itself: libvirt would let the file be changed under it (host.md 1b), and
 * the guest sees the new size at once.
 */
export async function growDisk(
  host: LibvirtHost,
  disk: DiskCid,
  volume: Volume,
  { wantedBytes: wanted, capacityBytes }: DiskGrowth,
): Promise<void> {
  if (wanted === capacityBytes) return;
  await refuseFullPool(host);
  const user = await userOfDisk(host, disk);
  try {
    if (user?.live) await user.domain.blockResize(await volume.path(), wanted);
    else await volume.resize(wanted);
  } catch (error) {
    throw withSnapshotHint(error, `Growing disk ${disk} to ${wanted / bytesPerMb} MiB`);
  }
  const { capacityBytes: now } = await volume.info();
  if (now < wanted)
    throw new CloudError('CloudError', `libvirt grew disk '${disk}' but it has ${now / bytesPerMb} MiB`);
}

/** An older QEMU, or any for an image in qcow2's first format, grows none that holds the states of environment snapshots. */
function withSnapshotHint(error: unknown, what: string): CloudError {
  if (!/which has snapshots/.test(messageOf(error))) return cloudErrorFrom(error, what);
  return new CloudError('NotSupported', `${what}: ${messageOf(error)}`, {
    cause: error,
    hints: ['delete the snapshots of the environment that the disk is in: boshvirt snapshot list'],
  });
}
