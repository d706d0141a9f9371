import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { deviceLinks } from '../../../platform/device-links.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { vmVolumes } from './volume-names.ts';

/**
 * The path by which a domain's definition names an image that libvirt mounts: a link to it. libvirt takes no more than 63
 * bytes there (lo_file_name of its loop device); the folders of pools are longer.
 */
export const imageLink = (volume: string): string => `${deviceLinks}/${volume}`;

const imagesOf = (vm: string): string[] => [vmVolumes.root(vm), vmVolumes.ephemeral(vm)];

/** Makes the links that a container needs to start: a reboot of the machine takes them away. Idempotent. */
export async function linkImages(host: LibvirtHost, vm: string): Promise<void> {
  const folder = await host.poolPath();
  await mkdir(deviceLinks, { recursive: true });
  for (const volume of imagesOf(vm)) {
    const link = imageLink(volume);
    await rm(`${link}.new`, { force: true }); // a killed call left it
    await symlink(`${folder}/${volume}`, `${link}.new`);
    await rename(`${link}.new`, link);
  }
}

/** Idempotent. */
export async function unlinkImages(vm: string): Promise<void> {
  for (const volume of imagesOf(vm)) await rm(imageLink(volume), { force: true });
}
