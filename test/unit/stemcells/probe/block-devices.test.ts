import { expect, test } from 'vitest';
import { deviceByPath, findDisk, firstPartition } from '../../../../stemcells/probe/agent/block-devices.ts';
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
  expect(await findDisk(cid, { path: '/dev/vdc' }, guest.places, 0)).toBe(guest.at('dev/vdd'));
});

test('a link of udev is read as the serial number in it', async () => {
  await using guest = await fakeGuest(disks);
  expect(await deviceByPath(`/dev/disk/by-id/virtio-${cid}`, guest.places)).toBe(guest.at('dev/vdd'));
});

test('a longer name matches the 20 bytes that virtio keeps of it', async () => {
  await using guest = await fakeGuest(disks);
  expect(await findDisk(`${cid}-and-more`, undefined, guest.places, 0)).toBe(guest.at('dev/vdd'));
});

test('a SCSI disk tells its serial number on page 0x80', async () => {
  await using guest = await fakeGuest({ 'sys/block/sdb/device/vpd_pg80': `\0\x80\0\x14${cid}` });
  expect(await findDisk(cid, undefined, guest.places, 0)).toBe(guest.at('dev/sdb'));
});

test('/dev/sdX of a hint may be /dev/vdX', async () => {
  await using guest = await fakeGuest(disks);
  expect(await findDisk('disk-other', { path: '/dev/sdc' }, guest.places, 0)).toBe(guest.at('dev/vdc'));
});

test('a disk that is plugged in late is waited for', async () => {
  await using guest = await fakeGuest(disks);
  setTimeout(() => guest.add('sys/block/vde/serial', 'disk-late'), 150);
  expect(await findDisk('disk-late', undefined, guest.places, 5_000)).toBe(guest.at('dev/vde'));
});

test('a missing disk is told with what is there', async () => {
  await using guest = await fakeGuest(disks);
  await expect(findDisk('disk-none', { path: '/dev/vdz' }, guest.places, 0)).rejects.toThrow(
    /disk-none .*vda \(root\), vdb \(ephemeral\)/,
  );
});

test('names of first partitions', () => {
  expect(firstPartition('/dev/vdb')).toBe('/dev/vdb1');
  expect(firstPartition('/dev/nvme0n1')).toBe('/dev/nvme0n1p1');
});
