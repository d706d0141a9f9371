import { access, open, readFile } from 'node:fs/promises';
import { errnoOf } from '../../../platform/errors.ts';
import { fail, ok, type Verdict, warn } from '../../../platform/finding.ts';
import { kvmWorks } from '../../../platform/kvm.ts';
import { lookAtVersion } from '../../../platform/program-version.ts';
import type { Preflight } from '../../backend.ts';
import { libvirtPackages } from '../../on-libvirt/package-needs.ts';

/** What boshvirt's tests run on: Debian 12. */
const testedQemu = '7.2';
const tunDevice = '/dev/net/tun';
const kvmFix = 'switch virtualization on in the firmware, or nested virtualization in the outer hypervisor';

export const qemuPreflight: Preflight = {
  packages: [
    ...libvirtPackages,
    { package: 'qemu-system-x86', program: 'qemu-system-x86_64' },
    { package: 'qemu-utils', program: 'qemu-img' },
    { package: 'seabios', files: ['/usr/share/seabios/bios-256k.bin'] },
    // Debian 12, Debian 13
    {
      package: 'ipxe-qemu',
      files: ['/usr/lib/ipxe/qemu/efi-virtio.rom', '/usr/share/qemu/efi-virtio.rom'],
    },
  ],
  checks: [
    {
      id: 'qemu.version',
      title: 'QEMU’s version',
      why: `boshvirt is tested with QEMU ${testedQemu}`,
      look: () => lookAtVersion(['qemu-system-x86_64'], testedQemu),
    },
    {
      id: 'qemu.kvm',
      title: 'accelerator',
      why: 'without KVM virtual machines are emulated: they work, several times slower',
      look: async () => judgeKvm(await errnoOfOpening('/dev/kvm'), await readFile('/proc/cpuinfo', 'utf8')),
    },
    {
      id: 'qemu.tun',
      title: 'network device',
      why: 'every network card of a virtual machine is one of its taps',
      look: lookAtTun,
    },
  ],
  overheadMb: 128,
};

/** Judges what opening /dev/kvm gave (an errno code, or undefined if it opened) and the text of /proc/cpuinfo. */
export function judgeKvm(errno: string | undefined, cpuinfo: string): Verdict {
  if (errno === 'ENOENT') return warn('no /dev/kvm: virtual machines are emulated', kvmFix);
  const forbidden = errno === 'EACCES' || errno === 'EPERM';
  if (errno !== undefined && !forbidden)
    return warn(`/dev/kvm cannot be opened (${errno}): virtual machines are emulated`, kvmFix);
  if (!kvmWorks("<domain type='kvm'/>", cpuinfo)) {
    const detail = '/dev/kvm is there, but the processor shows no vmx or svm: virtual machines are emulated';
    return warn(detail, kvmFix);
  }
  return ok(forbidden ? 'KVM, for libvirt; this user may not open /dev/kvm' : 'KVM');
}

async function errnoOfOpening(path: string): Promise<string | undefined> {
  try {
    await (await open(path, 'r+')).close();
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}

async function lookAtTun(): Promise<Verdict> {
  const there = await access(tunDevice).then(
    () => true,
    () => false,
  );
  if (there) return ok(`${tunDevice} is there`);
  return fail(`no ${tunDevice}`, `modprobe tun; in a container: start that with --device ${tunDevice}`);
}
