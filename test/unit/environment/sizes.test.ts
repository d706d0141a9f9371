import { expect, test } from 'vitest';
import { formatMegabytes, parseMegabytes } from '../../../src/environment/sizes.ts';

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
