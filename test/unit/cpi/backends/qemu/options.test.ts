import { expect, test } from 'vitest';
import { parseOptions } from '../../../../../src/cpi/backends/qemu/options.ts';

test('options have defaults', () => {
  expect(parseOptions({})).toEqual({ machine: 'pc', accel: 'auto', soft_reboot_seconds: 90 });
});

test.each([
  ['an unknown machine', { machine: 'virt' }, 'configuration: qemu.machine: '],
  ['a negative time', { soft_reboot_seconds: -1 }, 'configuration: qemu.soft_reboot_seconds: '],
  ['a key that there is not', { machin: 'pc' }, 'configuration: qemu: '],
])('%s is named', (_, options, message) => {
  expect(() => parseOptions(options)).toThrow(message);
});
