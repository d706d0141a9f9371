import { expect, test } from 'vitest';
import type { DiskCid } from '../../../../src/cpi/backend.ts';
import { env, networks, withStemcell, withVmAndDisk } from './world.ts';

test('create_disk makes a disk of that many MiB, whose CID the agent can find it by', async () => {
  const { cpi, host } = await withStemcell();
  for (const args of [
    [512, { type: 'raw' }, 'vm-1'],
    [512, {}, null],
    [512, null],
  ]) {
    const cid = await cpi.call('create_disk', ...args);
    expect(cid).toMatch(/^disk-[0-9a-f]{15}$/); // 20 characters: a longer serial is cut (contract 2.4)
    expect(host.disk(cid as DiskCid).sizeMb).toBe(512);
  }
  expect(host.disks.size).toBe(3);
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
  const [other] = (await cpi.call('create_vm', 'agent-2', stemcell, {}, networks, [], env)) as [string];
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
