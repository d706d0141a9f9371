import { expect, test } from 'vitest';
import { formatBytes, formatMegabytes, parseMegabytes } from '../../../src/environment/sizes.ts';

test.each([
  ['512', 512],
  ['512M', 512],
  ['512 mib', 512],
  ['1.5GiB', 1536],
  ['8g', 8192],
  ['2TiB', 2_097_152],
])('%s is %d MiB', (text, megabytes) => {
  expect(parseMegabytes(text, '--memory')).toBe(megabytes);
});

test.each(['lots', '', '-1', '5 apples', '1e3', '0x10', 'GiB'])(
  "'%s' is refused, naming the flag",
  (text) => {
    expect(() => parseMegabytes(text, '--memory')).toThrow(`--memory: '${text}' is not a size`);
  },
);

test.each([
  [512, '512 MiB'],
  [1024, '1 GiB'],
  [1536, '1536 MiB'],
])('%d is shown as %s', (megabytes, text) => {
  expect(formatMegabytes(megabytes)).toBe(text);
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [200_704, '196 KiB'],
  [1_572_864, '1.5 MiB'],
  [10 * 2 ** 20, '10 MiB'],
  [2 ** 30, '1 GiB'],
  [5000 * 2 ** 40, '5000 TiB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
