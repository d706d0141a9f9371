import { expect, test } from 'vitest';
import {
  formatRange,
  overlap,
  parseRange,
  type Range,
} from '../../../../../src/cpi/on-libvirt/networks/addresses.ts';
import { rangesFor } from '../../../../../src/cpi/on-libvirt/networks/free-range.ts';

const place = parseRange('172.28.0.0/14') as Range;

test.each([undefined, 14, 20, 30])('ranges of %s bits lie in the place for them, and apart', (bits) => {
  const ranges = rangesFor('net-0123456789abcdef', bits);
  expect(new Set(ranges.map(({ prefixLength }) => prefixLength))).toEqual(new Set([bits ?? 24]));
  expect(ranges.every((range) => overlap(range, place))).toBe(true);
  expect(new Set(ranges.map(formatRange)).size).toBe(ranges.length);
});

test('two CIDs begin in different places', () => {
  const [a, b] = ['net-0000000000000001', 'net-0000000000000002'].map((cid) => rangesFor(cid)[0]);
  expect(a).not.toEqual(b);
});

test('more bits than IPv4 has mean a range of IPv6’s private ones', () => {
  const [range, ...more] = rangesFor('net-0123456789abcdef', 64);
  expect(more).toEqual([]);
  expect(formatRange(range as Range)).toMatch(/^fd[0-9a-f:]+::\/64$/);
});

test.each([13, 31, 32, 47, 65])('%i bits are refused with what may be', (bits) => {
  expect(() => rangesFor('net-0123456789abcdef', bits)).toThrow(/create_network: .*bits/);
});
