import type { DiskMedium } from '../../on-libvirt/disks.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { copyDisk } from './disk-copies.ts';
import { growDisk } from './disk-size.ts';
import { userOfDisk } from './disk-users.ts';
import { diskVolume, snapshotVolume } from './volume-names.ts';

/** Disks as qcow2 volumes, which the machine's own snapshots need (libvirt-spikes.md 4); what is on them is the agent's. */
export const diskVolumes = (host: LibvirtHost): DiskMedium => ({
  format: 'qcow2',
  diskVolume,
  snapshotVolume,
  userOf: (cid) => userOfDisk(host, cid),
  grow: (cid, volume, growth) => growDisk(host, cid, volume, growth),
  copy: (cid, source, name) => copyDisk(host, cid, source, name),
});
