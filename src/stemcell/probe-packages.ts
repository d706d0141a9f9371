import type { PackageWish } from './debian-packages.ts';

/** The kernel for virtual machines; it depends on the package that holds the kernel of the day. */
export const kernelPackage = 'linux-image-cloud-amd64';

/** What the guest's programs and their libraries come from, for Debian 12 and 13; only what is needed of them goes in. */
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
  'sudo',
  'libpam0g',
  'libpam-modules',
  'libaudit1',
  'libselinux1',
  'libpcre2-8-0',
  'libcap-ng0',
  'libapparmor1',
  'libssl3t64|libssl3',
  'libzstd1',
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

export interface GuestProgram {
  /** Where it may lie in its package. */
  readonly from: readonly string[];
  readonly to: string;
  /** 0755 unless said. */
  readonly mode?: number;
}

/** Programs of the guest besides busybox and Node, and what they load without naming it as a library. */
export const guestPrograms: readonly GuestProgram[] = [
  { from: ['sbin/mke2fs', 'usr/sbin/mke2fs'], to: '/sbin/mke2fs' },
  { from: ['sbin/e2fsck', 'usr/sbin/e2fsck'], to: '/sbin/e2fsck' },
  { from: ['sbin/resize2fs', 'usr/sbin/resize2fs'], to: '/sbin/resize2fs' },
  { from: ['usr/sbin/dropbear'], to: '/usr/sbin/dropbear' },
  { from: ['usr/bin/dropbearkey'], to: '/usr/bin/dropbearkey' },
  { from: ['usr/bin/sudo'], to: '/usr/bin/sudo', mode: 0o4755 },
  { from: ['usr/libexec/sudo/sudoers.so', 'usr/lib/sudo/sudoers.so'], to: '/usr/libexec/sudo/sudoers.so' },
  {
    from: ['lib/x86_64-linux-gnu/security/pam_permit.so', 'usr/lib/x86_64-linux-gnu/security/pam_permit.so'],
    to: '/lib/x86_64-linux-gnu/security/pam_permit.so',
  },
];
