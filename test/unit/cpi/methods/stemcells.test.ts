import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { MemoryHost } from '../../../support/memory-backend.ts';
import { MemoryCpi } from '../../../support/memory-cpi.ts';
import { stemcellFile } from './stemcell-file.ts';

const properties = {
  name: 'bosh-openstack-kvm-ubuntu-noble',
  version: '1.484',
  disk: 5120,
  os_type: 'linux',
};

test('create_stemcell takes in the image that lies in the file, and its properties', async () => {
  await using file = await stemcellFile();
  const cpi = new MemoryCpi(new MemoryHost());
  const cid = await cpi.call('create_stemcell', file.path, properties);
  expect([...cpi.host.stemcells]).toEqual([[cid, expect.objectContaining({ bytes: 64 * 1024, properties })]]);
});

test('the same content is one stemcell; other content is another', async () => {
  await using file = await stemcellFile();
  await using same = await stemcellFile();
  await using other = await stemcellFile(32 * 1024);
  const cpi = new MemoryCpi(new MemoryHost());
  const cid = await cpi.call('create_stemcell', file.path, properties);
  expect(await cpi.call('create_stemcell', same.path, properties)).toBe(cid);
  expect(await cpi.call('create_stemcell', other.path, properties)).not.toBe(cid);
});

test('API version 3 adds tags, version 2 has none', async () => {
  await using file = await stemcellFile();
  const cpi = new MemoryCpi(new MemoryHost());
  const tagged = [file.path, properties, { tags: { owner: 'me' } }];
  const { result, error } = await cpi.request('create_stemcell', tagged, 3);
  expect(error).toBeNull();
  expect(await cpi.call('create_stemcell', file.path, null)).toBe(result);
});

test('a bad image is said before the hypervisor is asked for anything', async () => {
  await using file = await stemcellFile();
  await rm(file.path);
  const cpi = new MemoryCpi(new MemoryHost());
  cpi.host.failures.set('open', new Error('asked'));
  const { type, message } = await cpi.failure('create_stemcell', file.path, properties);
  expect(type).toBe('CloudError');
  expect(message).toContain(`${file.path} cannot be read: ENOENT`);
  expect(cpi.host.failures.has('open')).toBe(true);
});

test('a stemcell that two directors have is there until both have deleted it', async () => {
  await using file = await stemcellFile();
  const cpi = new MemoryCpi(new MemoryHost());
  const cid = await cpi.call('create_stemcell', file.path, {});
  cpi.director = 'd-2';
  expect(await cpi.call('create_stemcell', file.path, {})).toBe(cid);
  await cpi.call('delete_stemcell', cid);
  expect(cpi.host.stemcells.size).toBe(1);
  cpi.director = 'd-1';
  await cpi.call('delete_stemcell', cid);
  expect(cpi.host.stemcells.size).toBe(0);
});

test('delete_stemcell can be repeated', async () => {
  await using file = await stemcellFile();
  const cpi = new MemoryCpi(new MemoryHost());
  const cid = await cpi.call('create_stemcell', file.path, properties);
  expect(await cpi.call('delete_stemcell', cid)).toBeNull();
  expect(await cpi.call('delete_stemcell', cid)).toBeNull();
  expect(cpi.host.stemcells.size).toBe(0);
});
