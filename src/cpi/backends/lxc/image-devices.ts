import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { closeLoopDevice, type LoopFile, openLoopDevice } from './loop-devices.ts';
import { vmVolumes } from './volume-names.ts';

/**
 * A VM's own images are loop devices of ours, as its persistent disks are, and not libvirt's, which makes them for files: of
 * containers that start at the same time some fail then, since they want the same device, and a file's path may have no more
 * than 63 bytes.
 */
export async function openImages(host: LibvirtHost, vm: string): Promise<void> {
  await Promise.all((await imagesOf(host, vm)).map(openLoopDevice));
}

/** false if something still uses one. Idempotent. */
export async function closeImages(host: LibvirtHost, vm: string): Promise<boolean> {
  const closed = await Promise.all((await imagesOf(host, vm)).map(closeLoopDevice));
  return closed.every(Boolean);
}

async function imagesOf(host: LibvirtHost, vm: string): Promise<LoopFile[]> {
  const folder = await host.poolPath();
  const names = [vmVolumes.root(vm), vmVolumes.ephemeral(vm)];
  const volumes = await Promise.all(names.map((name) => host.findVolume(name)));
  return names
    .filter((_, at) => volumes[at] !== undefined)
    .map((name) => ({ name, path: `${folder}/${name}` }));
}
