import { mkdtempDisposable, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyWhole, StemcellCache } from '../../../src/stemcell/stemcell-cache.ts';

async function cacheWith(...keys: string[]) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'cache-'));
  const cache = new StemcellCache(folder.path);
  const keep = async (key: string) => {
    const from = join(folder.path, 'arriving');
    await writeFile(from, `stemcell ${key}`);
    return await cache.keep(key, from, 'probe', `1-${key}`);
  };
  for (const key of keys) await keep(key);
  return { folder: folder.path, cache, keep, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('what was kept is found again, with its checksums', async () => {
  await using at = await cacheWith('a');
  const found = await at.cache.find('a');
  expect(found).toMatchObject({ name: 'probe', version: '1-a', sizeBytes: 10 });
  expect(found?.sha1).toMatch(/^[0-9a-f]{40}$/);
  expect(await readFile(found?.path ?? '', 'utf8')).toBe('stemcell a');
  expect(await at.cache.find('b')).toBeUndefined();
});

test('a file that was cut off or lost its description counts as not there', async () => {
  await using at = await cacheWith('a');
  await truncate((await at.cache.find('a'))?.path ?? '', 3);
  expect(await at.cache.find('a')).toBeUndefined();
});

test('the eight youngest stay', async () => {
  const keys = [...'abcdefgh'];
  await using at = await cacheWith(...keys);
  for (const [index, key] of keys.entries())
    await utimes(join(at.folder, `probe-stemcell-${key}.tgz`), 1000 + index, 1000 + index);
  await at.keep('i');
  const left = (await readdir(at.folder)).filter((file) => file.endsWith('.tgz')).sort();
  expect(left).toEqual([...'bcdefghi'].map((key) => `probe-stemcell-${key}.tgz`));
  expect(await at.cache.find('a')).toBeUndefined();
});

test('those of which a younger one of the same name is there can go', async () => {
  await using at = await cacheWith('a', 'b', 'c');
  for (const [age, key] of [...'abc'].entries())
    await utimes(join(at.folder, `probe-stemcell-${key}.tgz`), 1000 + age, 1000 + age);
  const old = await at.cache.superseded();
  expect(old.map(({ version }) => version)).toEqual(['1-b', '1-a']);
  await at.cache.drop(old[0]?.path ?? '');
  expect(await at.cache.find('b')).toBeUndefined();
  expect((await readdir(at.folder)).filter((file) => file.includes('-b.'))).toEqual([]);
  expect(await new StemcellCache(join(at.folder, 'none')).superseded()).toEqual([]);
});

test('a copy goes into a new folder', async () => {
  await using at = await cacheWith('a');
  const to = join(at.folder, 'new', 'folder', 'stemcell.tgz');
  await copyWhole((await at.cache.find('a'))?.path ?? '', to);
  expect(await readFile(to, 'utf8')).toBe('stemcell a');
});
