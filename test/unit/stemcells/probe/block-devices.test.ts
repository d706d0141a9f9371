import { expect, test } from 'vitest';
import {
  deviceByPath,
  diskAtPath,
  diskBySerial,
  firstPartition,
} from '../../../../stemcells/probe/agent/block-devices.ts';
import { fakeGuest } from './fake-guest.ts';

const cid = 'disk-0123456789abcde';
const disks = {
  'sys/block/vda/serial': 'root',
  'sys/block/vdb/serial': 'ephemeral',
  'sys/block/vdd/serial': cid,
  'sys/block/vdc/size': '8',
};

test('a disk is found by its serial number, wherever it was plugged in', async () => {
  await using guest = await fakeGuest(disks);
  expect(await diskBySerial(guest.places)(cid, { path: '/dev/vdc' }, 0)).toBe(guest.at('dev/vdd'));
});

test('a link of udev is read as the serial number in it', async () => {
  await using guest = await fakeGuest(disks);
  expect(await deviceByPath(`/dev/disk/by-id/virtio-${cid}`, guest.places)).toBe(guest.at('dev/vdd'));
});

test('a longer name matches the 20 bytes that virtio keeps of it', async () => {
  await using guest = await fakeGuest(disks);
  expect(await diskBySerial(guest.places)(`${cid}-and-more`, undefined, 0)).toBe(guest.at('dev/vdd'));
});

test('a SCSI disk tells its serial number on page 0x80', async () => {
  await using guest = await fakeGuest({ 'sys/block/sdb/device/vpd_pg80': `\0\x80\0\x14${cid}` });
  expect(await diskBySerial(guest.places)(cid, undefined, 0)).toBe(guest.at('dev/sdb'));
});

test('/dev/sdX of a hint may be /dev/vdX', async () => {
  await using guest = await fakeGuest(disks);
  expect(await diskBySerial(guest.places)('disk-other', { path: '/dev/sdc' }, 0)).toBe(guest.at('dev/vdc'));
});

test('a disk that is plugged in late is waited for', async () => {
  await using guest = await fakeGuest(disks);
  setTimeout(() => guest.add('sys/block/vde/serial', 'disk-late'), 150);
  expect(await diskBySerial(guest.places)('disk-late', undefined, 5_000)).toBe(guest.at('dev/vde'));
});

test('a missing disk is told with what is there', async () => {
  await using guest = await fakeGuest(disks);
  await expect(diskBySerial(guest.places)('disk-none', { path: '/dev/vdz' }, 0)).rejects.toThrow(
    /disk-none .*vda \(root\), vdb \(ephemeral\)/,
  );
});

test('a path is taken at its word, whatever serial numbers there are, and waited for', async () => {
  await using guest = await fakeGuest(disks);
  setTimeout(() => guest.add('dev/disk-one', ''), 150);
  expect(await diskAtPath(cid, { path: guest.at('dev/disk-one') }, 5_000)).toBe(guest.at('dev/disk-one'));
  expect(await diskAtPath(cid, guest.at('dev/disk-one'), 0)).toBe(guest.at('dev/disk-one'));
});

test('a path at which nothing is, and a hint without one, are told', async () => {
  await using guest = await fakeGuest(disks);
  await expect(diskAtPath(cid, guest.at('dev/none'), 0)).rejects.toThrow(
    /dev\/none was not there within 0 s/,
  );
  await expect(diskAtPath(cid, { id: 'x' }, 0)).rejects.toThrow(/no path says where it is, hint {"id":"x"}/);
  await expect(diskAtPath(cid, undefined, 0)).rejects.toThrow(/no path says where it is, hint null/);
});

test('names of first partitions', () => {
  expect(firstPartition('/dev/vdb')).toBe('/dev/vdb1');
  expect(firstPartition('/dev/nvme0n1')).toBe('/dev/nvme0n1p1');
});
