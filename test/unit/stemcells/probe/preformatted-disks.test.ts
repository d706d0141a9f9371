import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { diskAtPath } from '../../../../stemcells/probe/agent/block-devices.ts';
import { Filesystems } from '../../../../stemcells/probe/agent/filesystems.ts';
import { PersistentDisks } from '../../../../stemcells/probe/agent/persistent-disks.ts';
import { PreformattedDisks } from '../../../../stemcells/probe/agent/preformatted-disks.ts';
import type { RunProgram } from '../../../../stemcells/probe/agent/programs.ts';
import { fakeGuest } from './fake-guest.ts';

const mb = 1 << 20;
const log = () => {};

/** The beginning of an ext4 file system of that many blocks of 4 KiB. */
function ext4({ blocks, upper = 0 }: { blocks: number; upper?: number }): Buffer {
  const head = Buffer.alloc(4096);
  head.writeUInt32LE(blocks, 1024 + 0x04);
  head.writeUInt32LE(2, 1024 + 0x18);
  head.writeUInt16LE(0xef53, 1024 + 0x38);
  head.writeUInt32LE(upper === 0 ? 0 : 0x80, 1024 + 0x60);
  head.writeUInt32LE(upper, 1024 + 0x150);
  return head;
}

/** A container with device nodes of such content; blockdev says that each is `diskBytes` long, mount and umount keep proc/mounts. */
async function containerWith(nodes: Readonly<Record<string, Buffer>>, diskBytes: number) {
  const guest = await fakeGuest({ 'proc/mounts': '' });
  for (const [name, content] of Object.entries(nodes)) await guest.add(`dev/${name}`, content);
  const mounts = new Map<string, string>();
  const commands: string[] = [];
  const run: RunProgram = async (argv) => {
    commands.push(argv.join(' ').replaceAll(guest.at(''), ''));
    if (argv[0] === 'blockdev') return `${diskBytes}\n`;
    if (argv[0] === 'mount' && argv[1] === '-t') mounts.set(argv[4] ?? '', argv[3] ?? '');
    if (argv[0] === 'umount') mounts.delete(argv[1] ?? '');
    const lines = [...mounts].map(([folder, device]) => `${device} ${folder} ext4 rw 0 0\n`);
    await writeFile(guest.at('proc/mounts'), lines.join(''));
    return '';
  };
  const files = new Filesystems(guest.places, run, log);
  const layout = new PreformattedDisks(files, run, log);
  const disks = new PersistentDisks({ places: guest.places, find: diskAtPath, layout, files, run, log });
  const at = (place: string) => mounts.get(guest.at(`vcap/${place}`))?.replace(guest.at('dev/'), '');
  return { guest, layout, disks, commands, at };
}

test('a disk that is as large as its file system is taken as it is, without a partition', async () => {
  const { guest, layout, commands } = await containerWith({ one: ext4({ blocks: 2048 }) }, 8 * mb + 512);
  await using _ = guest;
  expect(await layout.prepare(guest.at('dev/one'))).toBe(guest.at('dev/one'));
  expect(layout.fileSystemOf('/dev/one')).toBe('/dev/one');
  expect(commands).toEqual(['blockdev --getsize64 /dev/one']);
});

test.each([
  ['a disk', ext4({ blocks: 2048 }), 8 * mb + 4096],
  ['one beyond 16 TiB', ext4({ blocks: 2048, upper: 1 }), 2 ** 44 + 8 * mb + 4096],
])('the file system grows with %s', async (_, head, diskBytes) => {
  const { guest, layout, commands } = await containerWith({ one: head }, diskBytes);
  await using _guest = guest;
  await layout.prepare(guest.at('dev/one'));
  expect(commands.slice(1)).toEqual(['e2fsck -f -p /dev/one', 'resize2fs /dev/one']);
});

test('a disk in use is not checked and not grown', async () => {
  const { guest, disks, layout, commands } = await containerWith({ one: ext4({ blocks: 2048 }) }, 8 * mb);
  await using _ = guest;
  await disks.mount('disk-1', { path: guest.at('dev/one') });
  commands.length = 0;
  await layout.prepare(guest.at('dev/one'));
  expect(commands).toEqual([]);
});

test('a disk without ext4 is left alone, with the word whose business that is', async () => {
  const blank = Buffer.alloc(4096);
  const { guest, layout, commands } = await containerWith({ one: blank }, mb);
  await using _ = guest;
  await expect(layout.prepare(guest.at('dev/one'))).rejects.toThrow(
    /dev\/one holds no ext4 file system, and the CPI is to make it/,
  );
  expect(commands).toEqual([]);
  expect(await readFile(guest.at('dev/one'))).toEqual(blank);
});

test('the store moves to another disk, with nothing partitioned on the way', async () => {
  const content = ext4({ blocks: 2048 });
  const { guest, disks, commands, at } = await containerWith({ one: content, two: content }, 8 * mb);
  await using _ = guest;
  await disks.add('disk-1', { path: guest.at('dev/one') });
  await disks.mount('disk-1');
  await disks.add('disk-2', guest.at('dev/two'));
  await disks.mount('disk-2');
  expect([at('store'), at('store_migration_target')]).toEqual(['one', 'two']);
  expect(await disks.mounted()).toEqual(['disk-1', 'disk-2']);
  await disks.migrate();
  await disks.remove('disk-1');
  expect([at('store'), at('store_migration_target')]).toEqual(['two', undefined]);
  expect(await disks.mounted()).toEqual(['disk-2']);
  expect(new Set(commands.map((command) => command.split(' ')[0]))).toEqual(
    new Set(['blockdev', 'e2fsck', 'mount', 'sh', 'umount']),
  );
  expect(await disks.unmount('disk-2')).toBe('Unmounted partition of disk-2');
});
