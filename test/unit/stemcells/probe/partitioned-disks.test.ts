import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Filesystems } from '../../../../stemcells/probe/agent/filesystems.ts';
import { readPartitions, wholeDiskPartition } from '../../../../stemcells/probe/agent/partition-table.ts';
import { PartitionedDisks } from '../../../../stemcells/probe/agent/partitioned-disks.ts';
import type { RunProgram } from '../../../../stemcells/probe/agent/programs.ts';
import { fakeGuest } from './fake-guest.ts';

const mb = 1 << 20;
const diskMb = 8;
const log = () => {};

/** A guest with the disk vdc, whose kernel shows a partition once it is told to look again. */
async function guestWith(disk: Buffer, partition: Buffer = Buffer.alloc(2 * mb)) {
  const guest = await fakeGuest({
    'dev/vdc': disk,
    'dev/vdc1': partition,
    'sys/class/block/vdc/size': String((diskMb * mb) / 512),
  });
  const commands: string[] = [];
  const run: RunProgram = async (argv) => {
    commands.push(argv.join(' ').replaceAll(guest.at(''), ''));
    if (argv[0] === 'blockdev') await guest.add('sys/class/block/vdc1/size', '1');
    return '';
  };
  const disks = new PartitionedDisks(guest.places, new Filesystems(guest.places, run, log), run, log);
  return { guest, commands, disks };
}

/** What an ext4 file system begins with, as far as anyone looks. */
function ext4(): Buffer {
  const bytes = Buffer.alloc(2 * mb);
  bytes.writeUInt16LE(0xef53, 0x438);
  return bytes;
}

/** A disk whose only partition ends after `sectors`. */
function partitioned(sectors: number): Buffer {
  const disk = Buffer.alloc(mb);
  disk.writeUInt8(0x83, 446 + 4);
  disk.writeUInt32LE(2048, 446 + 8);
  disk.writeUInt32LE(sectors, 446 + 12);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

const fullSectors = wholeDiskPartition(diskMb * mb).sectors;

test('a blank disk is partitioned to its end and formatted', async () => {
  const { guest, commands, disks } = await guestWith(Buffer.alloc(mb));
  await using _ = guest;
  expect(await disks.prepare(guest.at('dev/vdc'))).toBe(guest.at('dev/vdc1'));
  expect(readPartitions(await readFile(guest.at('dev/vdc')))).toEqual([
    { startSector: 2048, sectors: fullSectors },
  ]);
  expect(commands).toEqual([
    'blockdev --rereadpt /dev/vdc',
    expect.stringMatching(/^mke2fs .* \/dev\/vdc1$/),
  ]);
});

test('a disk in use before is taken as it is', async () => {
  const { guest, commands, disks } = await guestWith(partitioned(fullSectors), ext4());
  await using _ = guest;
  await disks.prepare(guest.at('dev/vdc'));
  expect(commands).toEqual([]);
});

test('a disk that has grown gets a longer partition and file system', async () => {
  const { guest, commands, disks } = await guestWith(partitioned(fullSectors - 2048), ext4());
  await using _ = guest;
  await disks.prepare(guest.at('dev/vdc'));
  expect(commands).toEqual(['blockdev --rereadpt /dev/vdc', 'e2fsck -f -p /dev/vdc1', 'resize2fs /dev/vdc1']);
});

test('a start that was cut off between partitioning and formatting is finished', async () => {
  const { guest, commands, disks } = await guestWith(partitioned(fullSectors));
  await using _ = guest;
  await disks.prepare(guest.at('dev/vdc'));
  expect(commands).toEqual([expect.stringMatching(/^mke2fs/)]);
});

test.each([
  ['data without a partition table', Buffer.alloc(mb, 7), Buffer.alloc(0), /no partition table: it is left/],
  ['something else in the partition', partitioned(fullSectors), Buffer.alloc(mb, 7), /not ext4: it is left/],
])('%s is never overwritten', async (_, disk, partition, message) => {
  const { guest, commands, disks } = await guestWith(disk, partition);
  await using _guest = guest;
  await expect(disks.prepare(guest.at('dev/vdc'))).rejects.toThrow(message);
  expect(commands).toEqual([]);
  expect((await readFile(guest.at('dev/vdc'))).equals(disk)).toBe(true);
});
