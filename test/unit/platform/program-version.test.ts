import { describe, expect, test } from 'vitest';
import { judgeVersion } from '../../../src/platform/program-version.ts';

describe('a version', () => {
  test.each([
    ['libvirtd (libvirt) 9.0.0', '9.0', 'ok', '9.0.0'],
    ['QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)', '7.2', 'ok', '7.2.22'],
    ['QEMU emulator version 10.0.2', '7.2', 'ok', '10.0.2'],
    ['libvirtd (libvirt) 8.10.0', '9.0', 'warn', '8.10.0, older than 9.0'],
    ['QEMU emulator version 7.1.99', '7.2', 'warn', '7.1.99, older than 7.2'],
    ['what?\n', '7.2', 'warn', 'it says: what?'],
  ])('%s, tested with %s: %s', (answer, tested, status, detail) => {
    expect(judgeVersion(answer, tested)).toMatchObject({ status, detail });
  });
});
