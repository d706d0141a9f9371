import { expect, test } from 'vitest';
import type { DiskCid } from '../../../../../src/cpi/backend.ts';
import { disksIn, diskXml, freeTarget } from '../../../../../src/cpi/backends/lxc/domain-disks.ts';

const one = { cid: 'disk-0123456789abcde' as DiskCid, target: 'ubda' };
const other = { cid: 'disk-fedcba987654321' as DiskCid, target: 'ubdc' };
const foreign = "<disk type='block'><source dev='/dev/sdz'/><target dev='ubdb'/></disk>";
const domain = (...devices: string[]) => `<domain><devices>${devices.join('')}</devices></domain>`;

test('finds the persistent disks in a definition, and nobody else’s', () => {
  expect(disksIn(domain(diskXml(one), foreign, diskXml(other)))).toEqual([one, other]);
  expect(disksIn(domain())).toEqual([]);
});

test('gives a disk the first name that is free, now and at the next start', () => {
  expect(freeTarget([domain()])).toBe('ubda');
  expect(freeTarget([domain(diskXml(one)), domain(foreign, diskXml(other))])).toBe('ubdd');
  const many = Array.from(
    { length: 26 },
    (_, at) => `<disk><target dev='ubd${String.fromCharCode(97 + at)}'/></disk>`,
  );
  expect(freeTarget([domain(...many)])).toBe('ubdaa');
});
