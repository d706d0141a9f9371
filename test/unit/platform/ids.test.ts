import { expect, test } from 'vitest';
import { macFor, newCid, shortHash } from '../../../src/platform/ids.ts';

test.each(['vm', 'disk', 'sc'])(
  'a %s CID has its prefix and 20 characters, which a disk’s serial holds',
  (prefix) => {
    expect(newCid(prefix)).toMatch(new RegExp(`^${prefix}-[0-9a-f]{${19 - prefix.length}}$`));
  },
);

test('no two CIDs are equal', () => {
  expect(new Set(Array.from({ length: 1_000 }, () => newCid('disk'))).size).toBe(1_000);
});

test('a MAC is one of QEMU’s, lower case, and the same for the same VM and network', () => {
  expect(macFor('vm-1', 'default')).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
  expect(macFor('vm-1', 'default')).toBe(macFor('vm-1', 'default'));
  expect(new Set([macFor('vm-1', 'a'), macFor('vm-1', 'b'), macFor('vm-2', 'a')]).size).toBe(3);
});

test('a short hash is the beginning of the SHA-256', () => {
  expect(shortHash('abc', 8)).toBe('ba7816bf');
});
