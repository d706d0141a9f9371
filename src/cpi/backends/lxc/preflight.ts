import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, ok, type Verdict } from '../../../platform/finding.ts';
import type { Preflight } from '../../backend.ts';
import { libvirtPackages } from '../../on-libvirt/package-needs.ts';

const cgroupRoot = '/sys/fs/cgroup';
/** Without them libvirt's LXC driver starts nothing; `devices` is one of v1's, v2 does that work otherwise. */
const controllersV1 = ['memory', 'cpu', 'cpuacct', 'devices'];
const controllersV2 = ['memory', 'cpu'];

export const lxcPreflight: Preflight = {
  packages: [
    ...libvirtPackages,
    { package: 'libvirt-daemon-driver-lxc', files: ['/usr/lib/libvirt/libvirt_lxc'] },
    { package: 'e2fsprogs', program: 'mke2fs' },
    { package: 'mount', program: 'losetup' },
    { package: 'tar', program: 'tar' },
  ],
  checks: [
    {
      id: 'lxc.permission',
      title: 'permission',
      why: 'the CPI makes loop devices and file systems for containers',
      look: async () => (process.geteuid?.() === 0 ? ok('root') : fail('not root', 'run as root: sudo -H')),
    },
    {
      id: 'lxc.cgroups',
      title: 'control groups',
      why: 'libvirt limits containers by them, and starts none without',
      look: lookAtCgroups,
    },
    {
      id: 'lxc.loop',
      title: 'loop devices',
      why: 'the disks of a container are files that the kernel shows as devices',
      look: () => lookAtDevice('/dev/loop-control', 'modprobe loop'),
    },
    {
      id: 'lxc.fuse',
      title: 'FUSE',
      why: 'libvirt shows a container its own memory through it, and starts none without',
      look: () => lookAtDevice('/dev/fuse', 'modprobe fuse'),
    },
  ],
  overheadMb: 16,
};

async function lookAtDevice(path: string, remedy: string): Promise<Verdict> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there) return ok(`${path} is there`);
  return fail(`no ${path}`, `${remedy}; in a container: start that with --privileged`);
}

async function lookAtCgroups(): Promise<Verdict> {
  const read = async (name: string) => words(await readFile(join(cgroupRoot, name), 'utf8').catch(() => ''));
  const [controllers, handedOn] = [await read('cgroup.controllers'), await read('cgroup.subtree_control')];
  if (controllers.length === 0) return judgeV1(await readdir(cgroupRoot).catch(() => []));
  // the machine's own root has no type and may hand controllers on with processes in it; a container's may not
  return judgeV2(controllers, handedOn, (await read('cgroup.type')).length === 0);
}

/** Judges the hierarchies of v1 by the names of their folders. */
export function judgeV1(hierarchies: readonly string[]): Verdict {
  const there = hierarchies.flatMap((name) => name.split(','));
  const lacking = controllersV1.filter((name) => !there.includes(name));
  if (lacking.length === 0) return ok('v1');
  return fail(
    `v1 without ${lacking.join(', ')}`,
    `mount ${cgroupRoot}; in a container: start that with --privileged`,
  );
}

/** Judges v2's tree by the controllers that there are, and that groups below are given or can be given. */
export function judgeV2(
  controllers: readonly string[],
  handedOn: readonly string[],
  isMachinesRoot: boolean,
): Verdict {
  const lacking = controllersV2.filter((name) => !(isMachinesRoot ? controllers : handedOn).includes(name));
  if (lacking.length === 0) return ok('v2');
  const detail = `v2, and groups cannot have ${lacking.join(', ')}`;
  if (isMachinesRoot) return fail(detail, 'boot a kernel that has them, without cgroup_disable=');
  return fail(detail, 'in a container: start that with --privileged --cgroupns=host');
}

const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);
