import { expect, test } from 'vitest';
import {
  busOf,
  diskHint,
  diskNumber,
  diskTarget,
  ownDisks,
} from '../../../../../src/cpi/backends/qemu/disk-targets.ts';

test.each([
  ['virtio', 0, 'vda'],
  ['virtio', 25, 'vdz'],
  ['virtio', 26, 'vdaa'],
  ['scsi', 0, 'sdb'],
  ['scsi', 25, 'sdaa'],
] as const)('on %s disk number %d is %s', (bus, number, target) => {
  expect(diskTarget(bus, number)).toBe(target);
  expect(busOf(target)).toBe(bus);
});

test('names count as libvirt counts them', () => {
  expect(['sda', 'sdb', 'sdz', 'sdaa', 'sdab'].map(diskNumber)).toEqual([0, 1, 25, 26, 27]);
});

test('an agent finds a disk by its serial, and one that expects SCSI without a dash in it', () => {
  const cid = 'disk-0123456789abcde';
  expect(diskHint('virtio', cid)).toEqual({ path: `/dev/disk/by-id/virtio-${cid}` });
  expect(diskHint('scsi', cid)).toEqual({
    path: `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${cid}`,
    id: '0123456789abcde',
  });
});

test('a VM’s own disks are the first of its bus', () => {
  expect(ownDisks('virtio', true)).toEqual({ system: '/dev/vda', ephemeral: '/dev/vdb' });
  expect(ownDisks('virtio', false)).toEqual({ system: '/dev/vda', ephemeral: undefined });
  expect(ownDisks('scsi', true)).toEqual({
    system: '/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_root',
    ephemeral: { path: '/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_ephemeral', id: 'ephemeral' },
  });
});
