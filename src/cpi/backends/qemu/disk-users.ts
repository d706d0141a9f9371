import { escapeXml } from '../../../platform/template.ts';
import type { DiskCid } from '../../backend.ts';
import { type DiskUser, domainWithDisk } from '../../on-libvirt/disk-users.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { diskVolume } from './volume-names.ts';

/** Who has a disk, running or not; other people's domains count too. Hold the disk's lock, or it may be old news. */
export async function userOfDisk(host: LibvirtHost, disk: DiskCid): Promise<DiskUser | undefined> {
  const path = `${await host.poolPath()}/${diskVolume(disk)}`;
  return await domainWithDisk(host, disk, `file='${escapeXml(path)}'`);
}
