import { expect, test } from 'vitest';
import {
  canonicalAddress,
  formatRange,
  isForMachines,
  netmaskOf,
  overlap,
  parseAddress,
  parseRange,
  prefixLengthOf,
  type Range,
  rangeAround,
} from '../../../../../src/cpi/on-libvirt/networks/addresses.ts';

const range = (text: string) => parseRange(text) as Range;

test.each([
  ['10.0.0.6', '10.0.0.6'],
  ['FD00:0:0::0006', 'fd00::6'],
  ['fd00:0000:0000:0000:0000:0000:0000:0006', 'fd00::6'],
  ['::', '::'],
  ['::ffff:10.0.0.6', '::ffff:a00:6'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['no address', 'no address'],
])('%s is the same as %s', (text, canonical) => {
  expect(canonicalAddress(text)).toBe(canonical);
});

test.each(['', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.0/24', 'fe80::1%eth0', 'fd00'])(
  "'%s' is no address",
  (text) => {
    expect(parseAddress(text)).toBeUndefined();
  },
);

test.each(['10.0.0.0/24', '0.0.0.0/0', 'fd00:1::/64', '10.0.0.7/32'])('%s is a range', (text) => {
  expect(formatRange(range(text))).toBe(text);
});

test.each(['10.0.0.1/24', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/x', 'fd00::1/64', 'fd00::/129'])(
  '%s is no range',
  (text) => {
    expect(parseRange(text)).toBeUndefined();
  },
);

test('ranges overlap where one holds the other, and never across families', () => {
  expect(overlap(range('10.0.0.0/16'), range('10.0.3.0/24'))).toBe(true);
  expect(overlap(range('10.0.3.0/24'), range('10.0.0.0/16'))).toBe(true);
  expect(overlap(range('10.0.3.0/24'), range('10.0.4.0/24'))).toBe(false);
  expect(overlap(range('0.0.0.0/0'), range('::/0'))).toBe(false);
});

test('netmasks and prefix lengths say the same', () => {
  expect(netmaskOf(range('10.0.0.0/20'))).toBe('255.255.240.0');
  expect(netmaskOf(range('fd00::/64'))).toBe('ffff:ffff:ffff:ffff::');
  expect(['255.255.240.0', '0.0.0.0', '255.0.255.0', 'ffff::'].map(prefixLengthOf)).toEqual([
    20,
    0,
    undefined,
    16,
  ]);
  const address = parseAddress('10.1.2.3');
  expect(address && formatRange(rangeAround(address, 8))).toBe('10.0.0.0/8');
});

test('first and last address are no machine’s, but for IPv6’s last and ranges of two', () => {
  const fits = (text: string, address: string) => {
    const parsed = parseAddress(address);
    return parsed && isForMachines(range(text), parsed);
  };
  expect(
    ['10.0.0.0', '10.0.0.1', '10.0.0.254', '10.0.0.255', '10.0.1.1'].map((each) => fits('10.0.0.0/24', each)),
  ).toEqual([false, true, true, false, false]);
  expect([fits('fd00::/126', 'fd00::'), fits('fd00::/126', 'fd00::3')]).toEqual([false, true]);
  expect(fits('10.0.0.0/31', '10.0.0.0')).toBe(true);
});
