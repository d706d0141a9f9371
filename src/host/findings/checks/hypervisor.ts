import { statfs } from 'node:fs/promises';
import { connectLibvirt } from '../../../clients/libvirt/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import { run, which } from '../../../platform/process.ts';
import { type Check, fail, ok, type Verdict, warn } from '../finding.ts';
import { isRoot, obstacleToNamespaces } from './privileges.ts';

const socketTimeoutMs = 3_000;
/** What boshvirt's tests run on: Debian 12. */
const testedLibvirt = '9.0';
const testedQemu = '7.2';
/** f_type of a cgroup v2 file system (statfs(2)). */
const cgroup2Magic = 0x63677270;

async function lookAtSocket(): Promise<Verdict> {
  try {
    await using libvirt = await connectLibvirt('qemu:///system', { connectTimeoutMs: socketTimeoutMs });
    return ok(`qemu:///system answers (libvirt ${await libvirt.libraryVersion()})`);
  } catch (error) {
    if (isRoot() && (await obstacleToNamespaces()) === undefined) {
      return ok('qemu:///system does not answer; boshvirt starts a private host');
    }
    return fail(messageOf(error), 'systemctl enable --now libvirtd; usermod -aG libvirt $USER');
  }
}

/** Compares what the first of `programs` that is there says of itself with the oldest version that boshvirt is tested with. */
async function lookAtVersion(programs: readonly string[], tested: string): Promise<Verdict> {
  for (const name of programs) {
    const path = await which(name);
    if (path === undefined) continue;
    const { stdout } = await run([path, '--version'], { timeoutMs: 10_000 });
    return judgeVersion(stdout, tested);
  }
  return warn('not installed', 'boshvirt doctor --fix');
}

/** Judges a program's answer to --version. */
export function judgeVersion(answer: string, tested: string): Verdict {
  const version = /\d+(?:\.\d+)+/.exec(answer)?.[0];
  if (version === undefined) return warn(`it says: ${answer.trim()}`, 'reinstall it');
  if (compareVersions(version, tested) >= 0) return ok(version);
  return warn(`${version}, older than ${tested}`, 'use a newer release of this distribution');
}

/** Negative if `a` is older than `b`, 0 if they agree in the parts that both have. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]];
  const at = left.findIndex((part, index) => index < right.length && part !== right[index]);
  return at < 0 ? 0 : (left[at] as number) - (right[at] as number);
}

export const hypervisorChecks: readonly Check[] = [
  { id: 'libvirt.socket', title: 'libvirt', why: 'environments live on it', look: lookAtSocket },
  {
    id: 'libvirt.version',
    title: 'libvirt’s version',
    why: `boshvirt is tested with libvirt ${testedLibvirt}`,
    look: () => lookAtVersion(['libvirtd', 'virtqemud'], testedLibvirt),
  },
  {
    id: 'qemu.version',
    title: 'QEMU’s version',
    why: `boshvirt is tested with QEMU ${testedQemu}`,
    look: () => lookAtVersion(['qemu-system-x86_64'], testedQemu),
  },
  {
    id: 'cgroup.version',
    title: 'control groups',
    why: 'libvirt limits its guests by them; a private host does without, so there a guest’s size is its limit',
    async look() {
      const { type } = await statfs('/sys/fs/cgroup');
      return ok(type === cgroup2Magic ? 'v2' : 'v1');
    },
  },
];
