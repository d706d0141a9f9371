import type { Volume } from '../../../clients/libvirt/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import type { DiskCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
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
  sizeMb: number,
): Promise<void> {
  const wanted = sizeMb * bytesPerMb;
  const { capacityBytes } = await volume.info();
  if (wanted === capacityBytes) return;
  if (wanted < capacityBytes) throw cannotShrink(disk, capacityBytes / bytesPerMb, sizeMb);
  await refuseFullPool(host);
  const user = await userOfDisk(host, disk);
  try {
    if (user?.live) await user.domain.blockResize(await volume.path(), wanted);
    else await volume.resize(wanted);
  } catch (error) {
    throw withSnapshotHint(error, `Growing disk ${disk} to ${sizeMb} MiB`);
  }
  const { capacityBytes: now } = await volume.info();
  if (now < wanted)
    throw new CloudError('CloudError', `libvirt grew disk '${disk}' but it has ${now / bytesPerMb} MiB`);
}

function cannotShrink(disk: DiskCid, fromMb: number, toMb: number): CloudError {
  return new CloudError('NotSupported', `Disk '${disk}' has ${fromMb} MiB and cannot shrink to ${toMb} MiB`, {
    hints: ['a smaller disk is a new one, to which a director copies the files of the old one'],
  });
}

/** An older QEMU, or any for an image in qcow2's first format, grows none that holds the states of environment snapshots. */
function withSnapshotHint(error: unknown, what: string): CloudError {
  if (!/which has snapshots/.test(messageOf(error))) return cloudErrorFrom(error, what);
  return new CloudError('NotSupported', `${what}: ${messageOf(error)}`, {
    cause: error,
    hints: ['delete the snapshots of the environment that the disk is in: boshvirt snapshot list'],
  });
}
