import { expect, test } from 'vitest';
import type { DiskCid, SnapshotCid } from '../../../../src/cpi/backend.ts';
import { env, networkAt, withStemcell, withVmAndDisk } from './world.ts';

test('create_disk makes a disk of that many MiB, whose CID the agent can find it by', async () => {
  const { cpi, host } = await withStemcell();
  for (const args of [
    [512, { type: 'raw' }, 'vm-1'],
    [512, {}, null],
    [512, {}, ''],
    [512, null],
  ]) {
    const cid = await cpi.call('create_disk', ...args);
    expect(cid).toMatch(/^disk-[0-9a-f]{15}$/); // 20 characters: a longer serial is cut (contract 2.4)
    expect(host.disk(cid as DiskCid).sizeMb).toBe(512);
  }
  expect(host.disks.size).toBe(4);
});

test('has_disk answers both ways', async () => {
  const { cpi, disk } = await withVmAndDisk();
  expect(await cpi.call('has_disk', disk)).toBe(true);
  for (const none of ['disk-none', '', '../disk']) expect(await cpi.call('has_disk', none)).toBe(false);
});

test('attach_disk gives a hint of strings, and the same one again', async () => {
  const { cpi, vm, disk } = await withVmAndDisk();
  const hint = await cpi.call('attach_disk', vm, disk);
  expect(hint).toEqual({ path: `/dev/disk/by-id/virtio-${disk}` });
  expect(await cpi.call('attach_disk', vm, disk)).toEqual(hint);
  expect(await cpi.call('get_disks', vm)).toEqual([disk]);
});

test('any number of disks; detach_disk takes one', async () => {
  const { cpi, vm, disk } = await withVmAndDisk();
  const more = await Promise.all([1, 2, 3].map(() => cpi.call('create_disk', 100, {}, vm)));
  for (const cid of [disk, ...more]) await cpi.call('attach_disk', vm, cid);
  expect(await cpi.call('detach_disk', vm, disk)).toBeNull();
  expect(await cpi.call('get_disks', vm)).toEqual(more);
});

test('wrong states have the director’s names', async () => {
  const { cpi, stemcell, vm, disk } = await withVmAndDisk();
  const [other] = (await cpi.call('create_vm', 'agent-2', stemcell, {}, networkAt(7), [], env)) as [string];
  expect(await cpi.failure('detach_disk', vm, disk)).toMatchObject({ type: 'DiskNotAttached' });
  expect(await cpi.failure('attach_disk', vm, 'disk-none')).toMatchObject({ type: 'DiskNotFound' });
  expect(await cpi.failure('set_disk_metadata', 'disk-none', {})).toMatchObject({ type: 'DiskNotFound' });
  await cpi.call('attach_disk', vm, disk);
  expect((await cpi.failure('attach_disk', other, disk)).message).toContain(vm);
  expect((await cpi.failure('delete_disk', disk)).type).toBe('CloudError');
});

test('delete_disk can be repeated', async () => {
  const { cpi, disk } = await withVmAndDisk();
  expect(await cpi.call('delete_disk', disk)).toBeNull();
  expect(await cpi.call('delete_disk', disk)).toBeNull();
});

test('resize_disk makes a disk larger and nothing else', async () => {
  const { cpi, host, disk } = await withVmAndDisk();
  expect(await cpi.call('resize_disk', disk, 1024)).toBeNull();
  expect(await cpi.call('resize_disk', disk, 1024)).toBeNull();
  expect((await cpi.failure('resize_disk', disk, 1023)).type).toBe('NotSupported');
  expect((await cpi.failure('resize_disk', 'disk-none', 1024)).type).toBe('DiskNotFound');
  for (const size of [0, -1, 1.5, '1024'])
    expect((await cpi.failure('resize_disk', disk, size)).message).toMatch(/^resize_disk: argument 2: /);
  expect(host.disk(disk).sizeMb).toBe(1024);
});

test('update_disk answers null while the disk keeps its CID', async () => {
  const { cpi, host, disk } = await withVmAndDisk();
  expect(await cpi.call('update_disk', disk, 1024, { type: 'gp3' })).toBeNull();
  expect(host.disk(disk)).toMatchObject({ sizeMb: 1024, properties: { type: 'gp3' } });
  expect(await cpi.call('update_disk', disk, 1024, null)).toBeNull();
  expect((await cpi.failure('update_disk', disk, 16, {})).type).toBe('NotSupported');
  expect((await cpi.failure('update_disk', 'disk-none', 16, {})).type).toBe('DiskNotFound');
});

test('snapshot_disk gives a CID of its own for each, and the metadata are kept', async () => {
  const { cpi, host, vm, disk } = await withVmAndDisk();
  await cpi.call('attach_disk', vm, disk);
  const metadata = { deployment: 'd', index: 0 };
  const first = (await cpi.call('snapshot_disk', disk, metadata)) as SnapshotCid;
  const second = (await cpi.call('snapshot_disk', disk)) as SnapshotCid;
  for (const cid of [first, second]) expect(cid).toMatch(/^snap-[0-9a-f]{15}$/);
  expect(host.snapshots.get(first)).toMatchObject({ disk, sizeMb: 512, metadata });
  expect(host.snapshots.get(second)?.metadata).toEqual({});
  expect((await cpi.failure('snapshot_disk', 'disk-none', {})).type).toBe('DiskNotFound');
});

test('snapshots outlive VM and disk, and delete_snapshot can be repeated', async () => {
  const { cpi, host, vm, disk } = await withVmAndDisk();
  const cids = [await cpi.call('snapshot_disk', disk, {}), await cpi.call('snapshot_disk', disk, {})];
  await cpi.call('delete_vm', vm);
  await cpi.call('delete_disk', disk);
  expect([...host.snapshots.keys()]).toEqual(cids);
  for (let time = 0; time < 2; time += 1) expect(await cpi.call('delete_snapshot', cids[0])).toBeNull();
  expect([...host.snapshots.keys()]).toEqual([cids[1]]);
});
