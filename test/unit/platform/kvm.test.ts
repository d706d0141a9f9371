import { expect, test } from 'vitest';
import { kvmWorks } from '../../../src/platform/kvm.ts';

const offered = `<capabilities><guest><arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch></guest></capabilities>`;
const notOffered = offered.replace("<domain type='kvm'/>", '');
const cpu = (flags: string) =>
  `processor\t: 0\nmodel name\t: a vmx-less brand of svm\nflags\t\t: fpu ${flags} sse2\nbugs\t\t:\n`;

test.each([
  ['offered, Intel', offered, cpu('vmx'), true],
  ['offered, AMD', offered, cpu('svm'), true],
  [
    'offered, but the processor has no virtualization (a guest would hang)',
    offered,
    cpu('nx vmxnet svm_lock'),
    false,
  ],
  ['not offered', notOffered, cpu('vmx'), false],
  ['offered by another machine, whose processor cannot be seen', offered, undefined, true],
])('%s', (_, capabilities, cpuinfo, works) => {
  expect(kvmWorks(capabilities, cpuinfo)).toBe(works);
});
