import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeBootPartition } from './boot-partition.ts';
import { type RawDisk, rawDisk } from './disk-image.ts';
import { type GuestParts, noParts } from './guest-parts.ts';
import { isThere } from './is-there.ts';
import { kernelModules } from './kernel-modules.ts';
import type { Making, ProbeForm } from './probe-form.ts';
import { type GuestSources, guestInitramfs, guestRoot } from './probe-guest.ts';
import { writeRootFilesystem } from './root-filesystem.ts';
import { writeDiskImage } from './stemcell-archive.ts';

const bootSizeMb = 32;
const rootSizeMb = 224;

const parts: GuestParts = {
  ...noParts,
  // those of the root disk first
  drivers: [
    'virtio_pci',
    'virtio_blk',
    'ext4',
    'virtio_net',
    'virtio_scsi',
    'sr_mod',
    'isofs',
    'sd_mod',
    'button',
    'evdev',
    'virtio_rng',
    'virtio_balloon',
    'ata_piix',
  ],
  ownFiles: [
    { from: 'vm/rc.boot', to: '/etc/rc.boot', mode: 0o755 },
    { from: 'vm/rc.shutdown', to: '/etc/rc.shutdown', mode: 0o755 },
    { from: 'vm/power-button', to: '/etc/acpi/PWRF/00000080', mode: 0o755 },
    { from: 'vm/agent.json', to: '/var/vcap/bosh/agent.json', mode: 0o644 },
  ],
  inittab: [
    '::respawn:/sbin/acpid -f -l /dev/null',
    'ttyS0::respawn:/sbin/getty -L ttyS0 115200 vt100',
    '::ctrlaltdel:/sbin/reboot',
  ],
};

/** For virtual machines: a raw disk that boots with BIOS, whose agent takes disk hints (api_version 3). */
export const vmForm: ProbeForm = {
  name: 'vm',
  stemcellName: 'boshvirt-probe',
  stemcellFormats: ['openstack-raw'],
  cloudProperties: {
    infrastructure: 'openstack',
    hypervisor: 'kvm',
    disk: 1 + bootSizeMb + rootSizeMb,
    disk_format: 'raw',
    container_format: 'bare',
    os_type: 'linux',
    os_distro: 'debian',
    architecture: 'x86_64',
    auto_disk_config: true,
  },
  parts,
  kernelPackage: 'linux-image-cloud-amd64',
  toolPackages: ['syslinux', 'syslinux-common', 'mtools', 'dosfstools'],
  programs: { e2fsprogs: ['mke2fs', 'debugfs'] },
  recipe: [bootSizeMb, rootSizeMb],
  async writeImage(path, sources, making) {
    const disk = await makeDisk(sources, making);
    making.say('packing the disk');
    return await writeDiskImage(path, disk, making.signal);
  },
};

/** A FAT partition that boots, an ext4 one that is the guest's root. */
async function makeDisk(sources: GuestSources, { work, say, signal }: Making): Promise<RawDisk> {
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
    'syslinux.cfg': await readFile(join(scripts, 'vm', 'syslinux.cfg')),
  };
}
