import type { PackageWish } from './debian-packages.ts';
import type { GuestParts } from './guest-parts.ts';

/** The kernel for virtual machines; it depends on the package that holds the kernel of the day. */
export const kernelPackage = 'linux-image-cloud-amd64';

/** What makes the boot partition; run from where they are unpacked. */
export const toolPackages: readonly PackageWish[] = ['syslinux', 'syslinux-common', 'mtools', 'dosfstools'];

/** What every guest has, whichever agent is in it: busybox (a matter of its own), an ssh server, sudo, tools for ext4. */
export const commonParts: GuestParts = {
  packages: [
    'busybox-static',
    'dropbear-bin',
    'e2fsprogs',
    'libext2fs2t64|libext2fs2',
    'libcom-err2',
    'libss2',
    'libblkid1',
    'libuuid1',
    'libc6',
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
  ],
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
  // programs, and what they load without naming it as a library
  packageFiles: [
    { from: ['sbin/mke2fs', 'usr/sbin/mke2fs'], to: '/sbin/mke2fs' },
    { from: ['sbin/e2fsck', 'usr/sbin/e2fsck'], to: '/sbin/e2fsck' },
    { from: ['sbin/resize2fs', 'usr/sbin/resize2fs'], to: '/sbin/resize2fs' },
    { from: ['usr/sbin/dropbear'], to: '/usr/sbin/dropbear' },
    { from: ['usr/bin/dropbearkey'], to: '/usr/bin/dropbearkey' },
    { from: ['usr/bin/sudo'], to: '/usr/bin/sudo', mode: 0o4755 },
    { from: ['usr/libexec/sudo/sudoers.so', 'usr/lib/sudo/sudoers.so'], to: '/usr/libexec/sudo/sudoers.so' },
    {
      from: [
        'lib/x86_64-linux-gnu/security/pam_permit.so',
        'usr/lib/x86_64-linux-gnu/security/pam_permit.so',
      ],
      to: '/lib/x86_64-linux-gnu/security/pam_permit.so',
    },
  ],
  ownFiles: [
    { from: 'rc.boot', to: '/etc/rc.boot', mode: 0o755 },
    { from: 'rc.shutdown', to: '/etc/rc.shutdown', mode: 0o755 },
    { from: 'power-button', to: '/etc/acpi/PWRF/00000080', mode: 0o755 },
    { from: 'udhcpc.script', to: '/etc/udhcpc.script', mode: 0o755 },
    { from: 'passwd', to: '/etc/passwd', mode: 0o644 },
    { from: 'group', to: '/etc/group', mode: 0o644 },
    { from: 'shadow', to: '/etc/shadow', mode: 0o600 },
    { from: 'profile', to: '/etc/profile', mode: 0o644 },
    { from: 'sudoers', to: '/etc/sudoers', mode: 0o440 },
    { from: 'pam-sudo', to: '/etc/pam.d/sudo', mode: 0o644 },
  ],
  folders: [
    ...['/dev', '/proc', '/sys', '/run', '/tmp', '/mnt', '/bin', '/sbin', '/usr/bin', '/usr/sbin'],
    ...['bin', 'etc', 'log'].map((name) => `/var/vcap/bosh/${name}`),
    ...['/var/vcap/data', '/var/vcap/store', '/var/vcap/store_migration_target'],
    ...['/var/log', '/var/run', '/etc/dropbear'],
  ],
  links: { '/sbin/mkfs.ext4': 'mke2fs' },
  texts: {
    '/etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
    '/etc/hostname': 'probe\n',
    '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n',
    '/etc/shells': '/bin/sh\n/bin/bash\n',
    '/var/vcap/bosh/etc/operating_system': 'probe',
  },
};
