import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeBootPartition } from './boot-partition.ts';
import { type RawDisk, rawDisk } from './disk-image.ts';
import { isThere } from './is-there.ts';
import { kernelModules } from './kernel-modules.ts';
import { type GuestSources, guestInitramfs, guestRoot } from './probe-guest.ts';
import { writeRootFilesystem } from './root-filesystem.ts';

/** Raise it when the same inputs shall give another image. */
export const recipe = 1;
export const bootSizeMb = 32;
export const rootSizeMb = 224;

/** Makes the probe stemcell's disk in `work`: a FAT partition that boots, an ext4 one that is the guest's root. */
export async function makeProbeDisk(
  sources: GuestSources,
  work: string,
  say: (what: string) => void,
  signal: AbortSignal | undefined,
): Promise<RawDisk> {
  const [boot, root] = [join(work, 'boot.img'), join(work, 'root.ext4')];
  say('making the boot partition');
  const files = await bootFiles(sources);
  await writeBootPartition(boot, {
    tools: sources.packages,
    workFolder: work,
    sizeMb: bootSizeMb,
    files,
    signal,
  });
  say('making the root file system');
  const tree = await guestRoot(sources);
  await writeRootFilesystem(root, tree.entries(), { workFolder: work, sizeMb: rootSizeMb, signal });
  const bootCode = await readFile(join(sources.packages, 'usr/lib/syslinux/mbr/mbr.bin'));
  return await rawDisk(bootCode, [
    { path: boot, type: 0x06, bootable: true },
    { path: root, type: 0x83, bootable: false },
  ]);
}

async function bootFiles(sources: GuestSources) {
  const { packages, scripts, parts } = sources;
  const folder = (await isThere(join(packages, 'lib/modules'))) ? 'lib/modules' : 'usr/lib/modules';
  const [release = ''] = await readdir(join(packages, folder));
  const modules = await kernelModules(join(packages, folder, release), parts.drivers);
  return {
    vmlinuz: await readFile(join(packages, 'boot', `vmlinuz-${release}`)),
    'initrd.gz': await guestInitramfs(sources, modules),
    'syslinux.cfg': await readFile(join(scripts, 'syslinux.cfg')),
  };
}
