import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBundle, importBundle } from '../../../../src/environment/bundle.ts';
import { cacheContents } from '../../../../src/environment/cache/contents.ts';
import { downloadLock } from '../../../../src/environment/download-lock.ts';
import type { Caller } from '../../../../src/environment/steps/step.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { content, serves } from '../../../support/faulty-server.ts';
import { fetchScene } from '../../downloads/fetch-scene.ts';
import { cachedScene } from './cached-scene.ts';

function caller(told: string[] = []): Caller {
  return {
    log: silentLog,
    signal: new AbortController().signal,
    async runSteps(steps, context) {
      for (const step of steps) await step.run(context, () => {});
    },
    confirm: async () => true,
    tell: (line) => told.push(line),
  };
}

test('a machine without internet has with a bundle what the first one fetched, and its lock file', async () => {
  await using elsewhere = await fetchScene();
  const out = join(elsewhere.cacheDir, 'work.tar');
  let url = '';
  let sha256 = '';
  {
    await using scene = await cachedScene();
    const told: string[] = [];
    const made = await createBundle('work', { out, configPath: undefined, offline: true }, caller(told));
    expect(made).toMatchObject({
      path: out,
      environment: 'work',
      downloads: [{ name: 'release one/1', bytes: 3000 }],
    });
    expect(told.join('\n')).toMatch(/Not in the bundle, since it is not in the cache: bosh-deployment/);
    [url, sha256] = [scene.server.url('/one'), scene.one.sha256];
  }
  await using second = await cachedScene();
  expect(await importBundle(out, caller())).toMatchObject({ environment: 'work', downloads: [{ sha256 }] });
  const needed = (await cacheContents()).downloads.find((download) => download.sha256 === sha256);
  expect(needed?.neededBy.map(({ environment }) => environment)).toEqual(['work']);
  const [artifact, cacheDir] = [
    { name: 'release one/1', urls: [url] as const },
    join(second.cacheDir, 'boshvirt'),
  ];
  const lock = { ...(await downloadLock('work')), part: 'director' };
  expect(await second.fetch(artifact, { cacheDir, lock, offline: true })).toMatchObject({ sha256 });
});

test('what a bundle says of an address holds on the machine that imported it', async () => {
  await using elsewhere = await fetchScene();
  const out = join(elsewhere.cacheDir, 'work.tar');
  const address = elsewhere.server.on('/latest', serves(content(10)), serves(content(20)));
  const latest = { name: 'latest', urls: [address] as const };
  {
    await using scene = await cachedScene();
    const lock = { ...(await downloadLock('work')), part: 'director' };
    await scene.fetch(latest, { cacheDir: join(scene.cacheDir, 'boshvirt'), lock });
    await createBundle('work', { out, configPath: undefined, offline: true }, caller());
  }
  await using second = await cachedScene();
  await importBundle(out, caller());
  const lock = { ...(await downloadLock('work')), part: 'director' };
  const emptyCache = join(second.cacheDir, 'empty');
  await expect(second.fetch(latest, { cacheDir: emptyCache, lock })).rejects.toMatchObject({
    code: 'CHECKSUM',
  });
});

test('what cannot be the name of an environment has no bundle', async () => {
  const request = { out: '/nowhere/none.tar', configPath: undefined, offline: true };
  await expect(createBundle('../work', request, caller())).rejects.toThrow('cannot be the name');
});

test('an environment for which nothing was fetched makes no bundle', async () => {
  await using scene = await cachedScene();
  const request = { out: join(scene.cacheDir, 'none.tar'), configPath: undefined, offline: true };
  await expect(createBundle('other', request, caller())).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining("Nothing was fetched for the environment 'other'"),
  });
});
