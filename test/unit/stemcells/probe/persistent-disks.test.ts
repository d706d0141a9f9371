import { readFile, stat, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { diskBySerial } from '../../../../stemcells/probe/agent/block-devices.ts';
import { Filesystems } from '../../../../stemcells/probe/agent/filesystems.ts';
import { PartitionedDisks } from '../../../../stemcells/probe/agent/partitioned-disks.ts';
import { PersistentDisks } from '../../../../stemcells/probe/agent/persistent-disks.ts';
import type { RunProgram } from '../../../../stemcells/probe/agent/programs.ts';
import { fakeGuest } from './fake-guest.ts';

const mb = 1 << 20;
const [oldCid, newCid] = ['disk-aaaaaaaaaaaaaaa', 'disk-bbbbbbbbbbbbbbb'];

/** A guest with two formatted disks, told apart by serial number, whose mount and umount keep proc/mounts. */
async function guestWithDisks() {
  const guest = await fakeGuest({ 'proc/mounts': '' });
  for (const [name, cid] of [
    ['vdc', oldCid],
    ['vdd', newCid],
  ] as const) {
    await guest.add(`sys/block/${name}/serial`, cid);
    await guest.add(`sys/class/block/${name}/size`, String((8 * mb) / 512));
    await guest.add(`dev/${name}`, partitioned((7 * mb) / 512));
    await guest.add(`dev/${name}1`, ext4());
  }
  const mounts = new Map<string, string>();
  const commands: string[] = [];
  const failing = new Set<string>();
  const run: RunProgram = async (argv) => {
    commands.push(argv.join(' ').replaceAll(guest.at(''), ''));
    if (failing.has(argv[0])) throw new Error(`${argv[0]} failed`);
    if (argv[0] === 'mount' && argv[1] === '-t') mounts.set(argv[4] ?? '', argv[3] ?? '');
    if (argv[0] === 'umount') mounts.delete(argv[1] ?? '');
    const lines = [...mounts].map(([folder, device]) => `${device} ${folder} ext4 rw 0 0\n`);
    await writeFile(guest.at('proc/mounts'), lines.join(''));
    return '';
  };
  /** The disks as an agent knows them that has just started. */
  const start = () => {
    const { places } = guest;
    const log = () => {};
    const files = new Filesystems(places, run, log);
    const layout = new PartitionedDisks(places, files, run, log);
    return new PersistentDisks({ places, find: diskBySerial(places), layout, files, run, log });
  };
  const powerLoss = async () => {
    mounts.clear();
    await writeFile(guest.at('proc/mounts'), '');
  };
  const at = (place: string) => mounts.get(guest.at(`vcap/${place}`))?.replace(guest.at('dev/'), '');
  return { guest, start, powerLoss, at, commands, failing };
}

function ext4(): Buffer {
  const bytes = Buffer.alloc(2 * mb);
  bytes.writeUInt16LE(0xef53, 0x438);
  return bytes;
}

function partitioned(sectors: number): Buffer {
  const disk = Buffer.alloc(mb);
  disk.writeUInt8(0x83, 446 + 4);
  disk.writeUInt32LE(2048, 446 + 8);
  disk.writeUInt32LE(sectors, 446 + 12);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

test('a disk that was mounted comes back after a power loss, one that was unmounted does not', async () => {
  const { guest, start, powerLoss, at } = await guestWithDisks();
  await using _ = guest;
  await start().add(oldCid, { path: '/dev/sdc' });
  await start().mount(oldCid);
  await powerLoss();
  const disks = start();
  await disks.mountAtStart();
  expect(at('store')).toBe('vdc1');
  expect(await disks.mounted()).toEqual([oldCid]);

  expect(await disks.unmount(oldCid)).toBe(`Unmounted partition of ${oldCid}`);
  await powerLoss();
  await start().mountAtStart();
  expect(at('store')).toBeUndefined();
});

test('a disk that only the settings tell of is listed once it is mounted', async () => {
  const { guest, start } = await guestWithDisks();
  await using _ = guest;
  const disks = start();
  await disks.mount(oldCid, { path: '/dev/sdc' });
  expect(await disks.mounted()).toEqual([oldCid]);
});

test('migration copies the store and leaves the new disk in its place, also for the next start', async () => {
  const { guest, start, powerLoss, at, commands } = await guestWithDisks();
  await using _ = guest;
  const disks = start();
  await disks.add(oldCid, { path: '/dev/sdc' });
  await disks.add(newCid, { path: '/dev/sdd' });
  await disks.mount(oldCid);
  await disks.mount(newCid);
  expect([at('store'), at('store_migration_target')]).toEqual(['vdc1', 'vdd1']);
  await disks.migrate();
  expect([at('store'), at('store_migration_target')]).toEqual(['vdd1', undefined]);
  const frozen = commands.indexOf('mount -o remount,ro /vcap/store');
  const copied = commands.findIndex((command) =>
    command.endsWith('/vcap/store /vcap/store_migration_target'),
  );
  expect(frozen).toBeGreaterThan(-1);
  expect(copied).toBeGreaterThan(frozen);
  await disks.remove(oldCid);
  await powerLoss();
  const later = start();
  await later.mountAtStart();
  expect(at('store')).toBe('vdd1');
  expect(await later.mounted()).toEqual([newCid]);
});

test('a migration that cannot copy leaves the old disk on the store, writable, for this start and the next', async () => {
  const { guest, start, powerLoss, at, commands, failing } = await guestWithDisks();
  await using _ = guest;
  const disks = start();
  await disks.add(oldCid, { path: '/dev/sdc' });
  await disks.add(newCid, { path: '/dev/sdd' });
  await disks.mount(oldCid);
  await disks.mount(newCid);
  failing.add('sh');
  await expect(disks.migrate()).rejects.toThrow('sh failed');
  expect(at('store')).toBe('vdc1');
  expect(commands.at(-1)).toBe('mount -o remount,rw /vcap/store');
  await powerLoss();
  await start().mountAtStart();
  expect(at('store')).toBe('vdc1');
});

test('migrating without a second disk says what is mounted where', async () => {
  const { guest, start } = await guestWithDisks();
  await using _ = guest;
  const disks = start();
  await disks.mount(oldCid);
  await expect(disks.migrate()).rejects.toThrow(/store \(.*vdc1\).*store_migration_target \(none\)/);
});

test('what is kept about disks is for root alone', async () => {
  const { guest, start } = await guestWithDisks();
  await using _ = guest;
  await start().add(oldCid, 'vdc');
  const file = guest.at('vcap/bosh/persistent_disk_hints.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ [oldCid]: 'vdc' });
});
