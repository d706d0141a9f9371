import { open, readFile } from 'node:fs/promises';
import { errnoOf } from '../../../platform/errors.ts';
import { kvmWorks } from '../../../platform/kvm.ts';
import { type Check, ok, type Verdict, warn } from '../finding.ts';

const fix = 'switch virtualization on in the firmware, or nested virtualization in the outer hypervisor';

/** Judges what opening /dev/kvm gave (an errno code, or undefined if it opened) and the text of /proc/cpuinfo. */
export function judgeKvm(errno: string | undefined, cpuinfo: string): Verdict {
  if (errno === 'ENOENT') return warn('no /dev/kvm: guests are emulated', fix);
  const forbidden = errno === 'EACCES' || errno === 'EPERM';
  if (errno !== undefined && !forbidden)
    return warn(`/dev/kvm cannot be opened (${errno}): guests are emulated`, fix);
  if (!kvmWorks("<domain type='kvm'/>", cpuinfo)) {
    const detail = '/dev/kvm is there, but the processor shows no vmx or svm: guests are emulated';
    return warn(detail, fix);
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

export const accelerator: Check = {
  id: 'kvm.works',
  title: 'accelerator',
  why: 'without KVM guests are emulated: they work, several times slower',
  look: async () => judgeKvm(await errnoOfOpening('/dev/kvm'), await readFile('/proc/cpuinfo', 'utf8')),
};
