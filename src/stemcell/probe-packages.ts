import type { PackageWish } from './debian-packages.ts';

/** The kernel for virtual machines; it depends on the package that holds the kernel of the day. */
export const kernelPackage = 'linux-image-cloud-amd64';

/** What the guest's programs and their libraries come from. */
export const guestPackages: readonly PackageWish[] = [
  'busybox-static',
  'dropbear-bin',
  'e2fsprogs',
  'libext2fs2t64|libext2fs2',
  'libcom-err2',
  'libss2',
  'libblkid1',
  'libuuid1',
  'libc6',
  'libstdc++6',
  'libgcc-s1',
  'libcrypt1',
  'libtomcrypt1',
  'libtommath1',
  'libgmp10',
  'zlib1g',
];

/** What makes the boot partition; run from where they are unpacked. */
export const toolPackages: readonly PackageWish[] = ['syslinux', 'syslinux-common', 'mtools', 'dosfstools'];

/** Drivers that the guest loads at its start, those of its root disk first. */
export const guestDrivers: readonly string[] = [
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
];

/** Programs of the guest besides busybox and Node, as they lie in their packages. */
export const guestPrograms: readonly { from: readonly string[]; to: string }[] = [
  { from: ['sbin/mke2fs', 'usr/sbin/mke2fs'], to: '/sbin/mke2fs' },
  { from: ['sbin/e2fsck', 'usr/sbin/e2fsck'], to: '/sbin/e2fsck' },
  { from: ['sbin/resize2fs', 'usr/sbin/resize2fs'], to: '/sbin/resize2fs' },
  { from: ['usr/sbin/dropbear'], to: '/usr/sbin/dropbear' },
  { from: ['usr/bin/dropbearkey'], to: '/usr/bin/dropbearkey' },
];
