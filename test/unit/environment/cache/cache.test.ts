import { chmod, mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { rememberLockFile } from '../../../../src/downloads/index.ts';
import { parseAge } from '../../../../src/environment/cache/age.ts';
import { cacheContents } from '../../../../src/environment/cache/contents.ts';
import { cacheExcess, dropExcess } from '../../../../src/environment/cache/prune.ts';
import { verifyCache } from '../../../../src/environment/cache/verify.ts';
import { downloadLock } from '../../../../src/environment/download-lock.ts';
import { environmentPaths } from '../../../../src/environment/paths.ts';
import type { Caller } from '../../../../src/environment/steps/step.ts';
import { takeLock } from '../../../../src/platform/lock.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { cachedScene, leavePart } from './cached-scene.ts';

const hour = 3_600_000;
const names = (downloads: readonly { name: string }[]) => downloads.map(({ name }) => name).sort();
const caller: Caller = {
  log: silentLog,
  signal: new AbortController().signal,
  async runSteps(steps, context) {
    for (const step of steps) await step.run(context, () => {});
  },
  confirm: async () => true,
  tell() {},
};

test('the contents tell what is needed by which environment, and by which lock file', async () => {
  await using scene = await cachedScene();
  const { downloads, folder } = await cacheContents();
  expect(folder).toBe(join(scene.cacheDir, 'boshvirt', 'downloads'));
  const lockFile = join(environmentPaths('work').folder, 'boshvirt.lock');
  expect(downloads).toMatchObject([
    { name: 'release two/2', bytes: 2000, addresses: [scene.server.url('/two')], neededBy: [] },
    {
      name: 'release one/1',
      bytes: 3000,
      sha1: scene.one.sha1,
      neededBy: [{ environment: 'work', lockFile }],
    },
  ]);
});

test('an empty cache has nothing in it, and nothing to delete', async () => {
  await using scene = await cachedScene();
  await rm(scene.cache.folder, { recursive: true });
  expect(await cacheContents()).toMatchObject({ downloads: [], unfinished: [] });
  const nothing = { downloads: [], unfinished: [], leftovers: [] };
  expect(await cacheExcess({ all: true, olderThanMs: 0 })).toEqual(nothing);
});

test('a prune deletes what no environment needs, once nobody may be just about to write it down', async () => {
  await using scene = await cachedScene();
  expect((await cacheExcess({ all: false, olderThanMs: 0 })).downloads).toEqual([]);
  await scene.age(hour);
  const excess = await cacheExcess({ all: false, olderThanMs: 0 });
  expect(names(excess.downloads)).toEqual(['release two/2']);
  expect(await dropExcess(excess)).toBe(2000);
  expect(names((await cacheContents()).downloads)).toEqual(['release one/1']);
});

test('what has come is left alone while more arrives, which is written down together with it', async () => {
  await using scene = await cachedScene();
  await leavePart(scene.cache, 'http://files.test/three');
  await scene.age(2 * hour);
  expect((await cacheExcess({ all: false, olderThanMs: 0 })).downloads).toEqual([]);
  await scene.age(25 * hour);
  expect(names((await cacheExcess({ all: false, olderThanMs: 0 })).downloads)).toEqual(['release two/2']);
});

test('what the lock file of an environment that is gone named is needed no more', async () => {
  await using scene = await cachedScene();
  await scene.age(hour);
  await rm(environmentPaths('work').folder, { recursive: true });
  const { downloads } = await cacheExcess({ all: false, olderThanMs: 0 });
  expect(names(downloads)).toEqual(['release one/1', 'release two/2']);
});

test('while a lock file cannot be read nothing is called superfluous', async () => {
  await using scene = await cachedScene();
  await scene.age(hour);
  await writeFile((await downloadLock('work')).path, 'version: 7');
  await expect(cacheExcess({ all: false, olderThanMs: 0 })).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
});

test('all means also what environments need, an age spares what was used since', async () => {
  await using scene = await cachedScene();
  expect(names((await cacheExcess({ all: true, olderThanMs: 0 })).downloads)).toHaveLength(2);
  await scene.age(hour);
  expect((await cacheExcess({ all: true, olderThanMs: 2 * hour })).downloads).toEqual([]);
  expect((await cacheExcess({ all: true, olderThanMs: hour })).downloads).toHaveLength(2);
});

test('a download that broke off is listed and deleted, one that goes on is left alone', async () => {
  await using scene = await cachedScene();
  const path = await leavePart(scene.cache, 'http://files.test/three');
  const excess = await cacheExcess({ all: false, olderThanMs: 0 });
  expect(excess.unfinished).toMatchObject([{ address: 'http://files.test/three', bytes: 10 }]);
  const guard = join(scene.cache.folder, 'locks', `${'a'.repeat(40)}.lock`);
  const held = await takeLock(guard, 0, 'somebody who fetches');
  expect(await dropExcess(excess)).toBe(0);
  await held[Symbol.asyncDispose]();
  expect(await dropExcess(excess)).toBe(10);
  expect(await readdir(dirname(path))).toEqual([]);
});

test('a part of which nobody can read what it is of is one of an unknown address', async () => {
  await using scene = await cachedScene();
  const path = await leavePart(scene.cache, 'http://files.test/three');
  await writeFile(`${path}.json`, '');
  expect((await cacheContents()).unfinished).toMatchObject([{ address: 'an unknown address', bytes: 10 }]);
});

test('a project whose place something else has taken needs nothing', async () => {
  await using scene = await cachedScene();
  const place = join(scene.cacheDir, 'project');
  await rememberLockFile(join(place, 'boshvirt.lock'), scene.cache.folder);
  await writeFile(place, '');
  expect(names((await cacheContents()).downloads)).toEqual(['release one/1', 'release two/2']);
});

test('what a killed process left is deleted once it is old enough to be left', async () => {
  await using scene = await cachedScene();
  const lone = scene.cache.contentPath('b'.repeat(64));
  const half = join(scene.cache.folder, 'import-1234');
  await mkdir(half);
  for (const path of [lone, join(half, 'file')]) await writeFile(path, 'some');
  expect((await cacheExcess({ all: false, olderThanMs: 0 })).leftovers).toEqual([]);
  for (const path of [lone, join(half, 'file'), half]) await utimes(path, 1000, 1000);
  const excess = await cacheExcess({ all: false, olderThanMs: 0 });
  expect(excess.leftovers.map(({ path }) => path)).toEqual([half, lone]);
  expect(await dropExcess(excess)).toBe(8);
  expect(await cacheExcess({ all: false, olderThanMs: 0 })).toMatchObject({ leftovers: [] });
});

test('a verification deletes what is damaged, and only that', async () => {
  await using scene = await cachedScene();
  expect(await verifyCache(caller)).toEqual({ checked: 2, bytes: 5000, damaged: [] });
  const path = scene.cache.contentPath(scene.two.sha256);
  await chmod(path, 0o600);
  await writeFile(path, scene.two.bytes.fill(0, 5, 6));
  expect(await verifyCache(caller)).toMatchObject({
    checked: 2,
    damaged: [{ name: 'release two/2', sha256: scene.two.sha256, why: expect.stringContaining('sha256') }],
  });
  expect(names((await cacheContents()).downloads)).toEqual(['release one/1']);
});

test.each([
  ['12h', 12 * hour],
  ['30d', 720 * hour],
  ['2w', 336 * hour],
])('%s is an age', (text, ms) => {
  expect(parseAge(text, '--older-than')).toBe(ms);
});

test.each(['', '30', 'd', '-1d', '1y'])("'%s' is no age", (text) => {
  expect(() => parseAge(text, '--older-than')).toThrow(`--older-than: '${text}' is not an age`);
});
