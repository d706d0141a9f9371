import { expect, test } from 'vitest';
import { formatBytes, formatDuration } from '../../../src/platform/amounts.ts';

test.each([
  [7.4, '7 ms'],
  [999, '999 ms'],
  [1_000, '1.0 s'],
  [119_900, '119.9 s'],
  [200_000, '3 min 20 s'],
])('%d ms is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
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
