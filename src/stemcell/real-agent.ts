import { readFile } from 'node:fs/promises';
import { errnoOf, messageOf, UserError } from '../platform/errors.ts';
import { isElf } from './elf.ts';
import { type GuestAgent, type GuestParts, noParts, type PackageFile } from './guest-parts.ts';

/** The bosh-agent that lies at `path` on this machine, with what it needs as an agent of platform "ubuntu". */
export async function realAgent(path: string): Promise<GuestAgent> {
  await requireProgram(path);
  return {
    mark: 'bosh-agent.',
    parts,
    formParts: { vm: vmParts, container: containerParts },
    files: [{ path, to: '/var/vcap/bosh/bin/bosh-agent', mode: 0o755 }],
  };
}

const x86Machine = 62;

/** Throws a UserError unless `path` is a program that the guest's processor runs. */
async function requireProgram(path: string): Promise<void> {
  const program = await readFile(path).catch((error: unknown) => {
    throw unusable(path, errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error), error);
  });
  if (!isElf(program) || program.readUInt16LE(0x12) !== x86Machine)
    throw unusable(path, 'it is no program for x86-64 Linux');
}

function unusable(path: string, why: string, cause?: unknown): UserError {
  return new UserError('USAGE', `${path} cannot be the agent of the probe stemcell: ${why}`, {
    cause,
    hints: ['--agent names a bosh-agent, built for linux/amd64', "without it boshvirt's own agent goes in"],
  });
}

/** Programs in the folder of their package, and in the one where Debian 13 has all of them. */
function programs(folder: 'bin' | 'sbin', names: readonly string[]): PackageFile[] {
  return names.map((name) => ({
    from: [`${folder}/${name}`, `usr/${folder}/${name}`],
    to: `/${folder}/${name}`,
  }));
}

function inUsrBin(names: readonly string[]): PackageFile[] {
  return names.map((name) => ({ from: [`usr/bin/${name}`], to: `/usr/bin/${name}` }));
}

function udevFiles(names: readonly string[], mode: number): PackageFile[] {
  return names.map((name) => ({
    from: [`lib/udev/${name}`, `usr/lib/udev/${name}`],
    to: `/usr/lib/udev/${name}`,
    mode,
  }));
}

const parts: GuestParts = {
  ...noParts,
  packages: [
    'bash',
    'dash',
    'iputils-arping',
    'ipsvd',
    'monit',
    'mount',
    'passwd',
    'runit',
    'tar',
    'util-linux',
    // libraries of these
    'libacl1',
    'libattr1',
    'libbsd0',
    'libbz2-1.0',
    'libcap2',
    'liblzma5',
    'libmd0',
    'libmount1',
    'libseccomp2',
    'libsemanage2',
    'libsepol2',
    'libsmartcols1',
    'libtinfo6',
    'libudev1',
  ],
  packageFiles: [
    ...programs('bin', ['bash', 'dash', 'lsblk', 'mount', 'tar', 'umount']),
    ...programs('sbin', ['blkid', 'wipefs']),
    ...inUsrBin(['flock', 'monit', 'runsv', 'runsvdir', 'sv', 'svlogd', 'tcpsvd']),
    ...['useradd', 'userdel', 'usermod'].map((name) => ({
      from: [`usr/sbin/${name}`],
      to: `/usr/sbin/${name}`,
    })),
    // busybox has an arping of the same name there, which knows no -U
    { from: ['usr/bin/arping'], to: '/usr/sbin/arping' },
  ],
  ownFiles: [
    { from: 'real-agent/rc.host-key', to: '/etc/rc.host-key', mode: 0o755 },
    { from: 'real-agent/login.defs', to: '/etc/login.defs', mode: 0o644 },
    { from: 'real-agent/agent-run', to: '/etc/sv/agent/run', mode: 0o755 },
    { from: 'real-agent/agent-log-run', to: '/etc/sv/agent/log/run', mode: 0o755 },
    { from: 'real-agent/monit-run', to: '/etc/sv/monit/run', mode: 0o755 },
    { from: 'real-agent/monit-front-run', to: '/etc/sv/monit-front/run', mode: 0o755 },
    { from: 'real-agent/monit-front', to: '/var/vcap/bosh/bin/monit-front', mode: 0o755 },
    { from: 'real-agent/monitrc', to: '/var/vcap/bosh/etc/monitrc', mode: 0o700 },
    { from: 'real-agent/alerts.monitrc', to: '/var/vcap/monit/alerts.monitrc', mode: 0o600 },
    { from: 'real-agent/restart_networking', to: '/var/vcap/bosh/bin/restart_networking', mode: 0o755 },
    { from: 'real-agent/resolvconf', to: '/sbin/resolvconf', mode: 0o755 },
    { from: 'real-agent/shutdown', to: '/sbin/shutdown', mode: 0o755 },
    ...['bosh-agent-rc', 'bosh-start-logging-and-auditing', 'setup-logrotate.sh', 'sync-time'].map(
      (name) => ({ from: 'real-agent/nothing-to-do', to: `/var/vcap/bosh/bin/${name}`, mode: 0o755 }),
    ),
  ],
  folders: [
    ...['/opt', '/var/opt', '/var/tmp', '/etc/systemd/network', '/etc/resolvconf/resolv.conf.d'],
    ...['/etc/ssh', '/etc/logrotate.d', '/var/vcap/monit/job', '/var/vcap/micro_bosh/data/cache'],
  ],
  links: {
    // busybox' sh would run its own applets, whatever lies on PATH: its tar knows no --xattrs
    '/bin/sh': 'dash',
    '/etc/monitrc': '/var/vcap/bosh/etc/monitrc',
    '/etc/service/agent': '/etc/sv/agent',
    '/etc/service/monit-front': '/etc/sv/monit-front',
  },
  // runit leaves a service with such a file alone until it is asked to start it
  texts: { '/etc/sv/monit/down': '' },
  inittab: [
    '::once:/etc/rc.host-key',
    '::respawn:/sbin/syslogd -n -C64',
    '::respawn:/usr/bin/runsvdir -P /etc/service',
  ],
};

/** What the agent asks whether a disk is one to mount again at its start. */
const containerParts: GuestParts = {
  ...noParts,
  packages: ['fdisk', 'libfdisk1', 'libreadline8t64|libreadline8'],
  packageFiles: programs('sbin', ['sfdisk']),
};

/** udev and what partitions disks. */
const vmParts: GuestParts = {
  ...noParts,
  packages: [
    'cloud-guest-utils',
    'eject',
    'fdisk',
    'parted',
    'udev',
    // libraries of these
    'libdevmapper1.02.1',
    'libfdisk1',
    'libkmod2',
    'libparted2t64|libparted2',
    'libreadline8t64|libreadline8',
    'libsystemd-shared|udev', // in Debian 12 there is none: udev's programs have it in them
  ],
  // the agent keeps all but root from monit with nftables; nothing in the guest could load these later
  drivers: ['nf_tables', 'nft_ct'],
  packageFiles: [
    ...programs('bin', ['udevadm']),
    ...programs('sbin', ['mkswap', 'parted', 'partprobe', 'sfdisk', 'swapoff', 'swapon']),
    ...inUsrBin(['eject', 'growpart', 'partx']),
    ...udevFiles(['cdrom_id', 'scsi_id'], 0o755),
    ...udevFiles(
      ['60-block.rules', '60-cdrom_id.rules', '60-persistent-storage.rules'].map((name) => `rules.d/${name}`),
      0o644,
    ),
  ],
  ownFiles: [{ from: 'real-agent/rc.devices', to: '/etc/rc.devices', mode: 0o755 }],
  folders: ['/etc/udev/rules.d'],
  links: { '/lib/udev': '/usr/lib/udev', '/sbin/udevd': '/bin/udevadm' },
  inittab: ['::sysinit:/etc/rc.devices'],
};
