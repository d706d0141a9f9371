import type { DiskCid } from '../../backend.ts';
import { type DiskUser, domainWithDisk } from '../../on-libvirt/disk-users.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { deviceLink } from './loop-devices.ts';

/** Who has a disk, running or not; other people's domains count too. Hold the disk's lock, or it may be old news. */
export async function userOfDisk(host: LibvirtHost, disk: DiskCid): Promise<DiskUser | undefined> {
  return await domainWithDisk(host, disk, `dev='${deviceLink(disk)}'`);
}
