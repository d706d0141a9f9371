import { describe, expect, test } from 'vitest';
import { judgeKvm } from '../../../../../src/cpi/backends/qemu/preflight.ts';

describe('KVM', () => {
  const capable = 'flags\t\t: fpu vmx sse2\n';
  test.each([
    ['device and processor', undefined, capable, 'ok', /^KVM$/],
    ['a device that this user may not open', 'EACCES', capable, 'ok', /may not open/],
    ['no device', 'ENOENT', capable, 'warn', /no \/dev\/kvm/],
    ['a device without a module', 'ENODEV', capable, 'warn', /ENODEV/],
    [
      'a device, but a processor without virtualization',
      undefined,
      'flags\t\t: fpu sse2\n',
      'warn',
      /no vmx or svm/,
    ],
  ])('%s', (_, errno, cpuinfo, status, detail) => {
    expect(judgeKvm(errno, cpuinfo)).toMatchObject({ status, detail: expect.stringMatching(detail) });
  });
});
