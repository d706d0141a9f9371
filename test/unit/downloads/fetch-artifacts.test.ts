import { chmod, copyFile, mkdtempDisposable, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import {
  breaksAfter,
  claims,
  content,
  isSilent,
  refuses,
  serves,
  sha256Of,
  stallsAfter,
} from '../../support/faulty-server.ts';
import { fetchScene } from './fetch-scene.ts';

const [one, two] = [content(1000), content(2000)];

test('many are fetched side by side, a few at a time, and given in the order of the question', async () => {
  await using scene = await fetchScene();
  const files = Array.from({ length: 9 }, (_, at) => content(100 + at));
  let [running, most] = [0, 0];
  const waiting: (() => void)[] = [];
  const artifacts = files.map((file, at) => {
    const url = scene.server.on(`/${at}`, async (...exchange) => {
      running += 1;
      most = Math.max(most, running);
      // each waits until four have come, so that a second one at a time would never end
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 4 || at === 8) for (const go of waiting.splice(0)) go();
      });
      running -= 1;
      serves(file)(...exchange);
    });
    return { name: `file ${at}`, urls: [url] as const };
  });
  const fetched = await scene.fetchAll(artifacts);
  expect(fetched.map(({ sha256 }) => sha256)).toEqual(files.map(({ sha256 }) => sha256));
  expect(most).toBe(4);
});

test.each(['sha1', 'sha256'] as const)(
  'what has a known %s is found whatever its address, without the network',
  async (sort) => {
    await using scene = await fetchScene();
    await scene.fetch({ name: 'one', urls: [scene.server.on('/one', serves(one))] });
    const elsewhere = { name: 'one', urls: ['http://elsewhere.test/one'] as const, [sort]: one[sort] };
    const found = await scene.fetch(elsewhere, { offline: true });
    expect(await sha256Of(found.path)).toBe(one.sha256);
    expect(scene.server.requests).toHaveLength(1);
  },
);

test('an address without a checksum gives what it gave, until somebody wants it new', async () => {
  await using scene = await fetchScene();
  const artifact = { name: 'latest', urls: [scene.server.on('/latest', serves(one), serves(two))] as const };
  expect((await scene.fetch(artifact)).sha256).toBe(one.sha256);
  expect((await scene.fetch(artifact)).sha256).toBe(one.sha256);
  expect((await scene.fetch(artifact, { refresh: true })).sha256).toBe(two.sha256);
  expect((await scene.fetch(artifact)).sha256).toBe(two.sha256);
  expect(scene.server.requests).toHaveLength(2);
});

test('what has a checksum cannot be anything new', async () => {
  await using scene = await fetchScene();
  const artifact = { name: 'one', urls: [scene.server.on('/one', serves(one))] as const, sha1: one.sha1 };
  await scene.fetch(artifact);
  await scene.fetch(artifact, { refresh: true });
  expect(scene.server.requests).toHaveLength(1);
});

test('offline, all that is missing is named at once, with what to do', async () => {
  await using scene = await fetchScene();
  await scene.fetch({ name: 'one', urls: [scene.server.on('/one', serves(one))] });
  const missing = ['two', 'three'].map((name) => ({
    name,
    urls: [`http://me:secret@files.test/${name}`] as const,
  }));
  const all = [{ name: 'one', urls: [scene.server.url('/one')] as const }, ...missing];
  await expect(scene.fetchAll(all, { offline: true })).rejects.toMatchObject({
    code: 'OFFLINE',
    message: [
      '2 downloads are not in the cache, and nothing may be fetched:',
      '  two: http://files.test/two',
      '  three: http://files.test/three',
    ].join('\n'),
    hints: [expect.stringContaining('boshvirt bundle import'), expect.anything()],
  });
  expect(scene.server.requests).toHaveLength(1);
});

test('offline, a file of this machine serves where the address before it may not be asked', async () => {
  await using scene = await fetchScene();
  const path = join(scene.cacheDir, 'copy');
  await writeFile(path, one.bytes);
  const artifact = { name: 'one', urls: [scene.server.on('/one', serves(one)), path] as const };
  expect(await scene.fetch(artifact, { offline: true })).toMatchObject({ path, sha256: one.sha256 });
  expect(scene.server.requests).toEqual([]);
});

test('a file that was changed in the cache is fetched again', async () => {
  await using scene = await fetchScene();
  const artifact = { name: 'one', urls: [scene.server.on('/one', serves(one))] as const, sha1: one.sha1 };
  const { path } = await scene.fetch(artifact);
  await chmod(path, 0o600);
  await writeFile(path, two.bytes.subarray(0, 1000));
  await expect(scene.fetch(artifact, { offline: true })).rejects.toMatchObject({ code: 'OFFLINE' });
  expect(await sha256Of((await scene.fetch(artifact)).path)).toBe(one.sha256);
});

test('a cache that was copied, so that its files look new, is still one', async () => {
  await using scene = await fetchScene();
  const artifact = { name: 'one', urls: [scene.server.on('/one', serves(one))] as const, sha1: one.sha1 };
  const { path } = await scene.fetch(artifact);
  await utimes(path, 1000, 1000);
  expect((await scene.fetch(artifact, { offline: true })).path).toBe(path);
  await expect(stat(path)).resolves.toMatchObject({ mode: 0o100444 });
});

test.each([
  ['lost', '{}'],
  ['was cut off', '{"sha1": "'],
])('a file whose description %s is fetched again', async (_, description) => {
  await using scene = await fetchScene();
  const artifact = { name: 'one', urls: [scene.server.on('/one', serves(one))] as const, sha1: one.sha1 };
  const { path } = await scene.fetch(artifact);
  await writeFile(`${path}.json`, description);
  expect((await scene.fetch(artifact)).path).toBe(path);
  expect(scene.server.requests).toHaveLength(2);
});

test.each([
  ['a path', (path: string) => path],
  ['file://', (path: string) => pathToFileURL(path).href],
])('what %s names stays where it is and is only hashed', async (_, addressOf) => {
  await using scene = await fetchScene();
  const path = join(scene.cacheDir, 'here.tgz');
  await writeFile(path, one.bytes);
  const artifact = { name: 'here', urls: [addressOf(path)] as const };
  expect(await scene.fetch(artifact)).toEqual({
    artifact,
    path,
    sha1: one.sha1,
    sha256: one.sha256,
    bytes: 1000,
  });
  expect(await scene.filesIn('sha256')).toEqual([]);
});

test('a file of this machine that is another, or not there, is refused', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'bv-local-'));
  await using scene = await fetchScene();
  const path = join(folder.path, 'here');
  await expect(scene.fetch({ name: 'here', urls: [path] })).rejects.toMatchObject({
    code: 'DOWNLOAD',
    message: `here could not be fetched: ${path} is not there`,
  });
  await writeFile(path, one.bytes);
  await expect(scene.fetch({ name: 'here', urls: [path], sha1: two.sha1 })).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: expect.stringContaining(`${path} is another file: sha1 ${one.sha1}, expected ${two.sha1}`),
  });
});

test('one that fails stops the others, whose parts stay', async () => {
  await using scene = await fetchScene();
  const slow = {
    name: 'slow',
    urls: [scene.server.on('/slow', stallsAfter(500, one), serves(one))] as const,
  };
  const bad = {
    name: 'bad',
    urls: [
      scene.server.on('/bad', async (...exchange) => {
        while ((await scene.filesIn('partial')).length < 2)
          await new Promise((resolve) => setTimeout(resolve, 5));
        refuses(404)(...exchange);
      }),
    ] as const,
  };
  await expect(scene.fetchAll([slow, bad])).rejects.toThrow('bad could not be fetched');
  await scene.fetch(slow);
  expect(scene.server.requests.at(-1)?.range).toBe('bytes=500-');
});

test('an interruption is thrown as it is, and what has come stays', async () => {
  await using scene = await fetchScene();
  const interrupted = new Error('interrupted');
  const stop = new AbortController();
  const artifact = {
    name: 'one',
    urls: [scene.server.on('/one', breaksAfter(500, one), isSilent, serves(one))] as const,
  };
  const fetching = scene.fetch(artifact, { signal: stop.signal });
  fetching.catch(() => {});
  while (scene.server.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(interrupted);
  await expect(fetching).rejects.toBe(interrupted);
  await scene.fetch(artifact);
  expect(scene.server.requests.at(-1)?.range).toBe('bytes=500-');
});

test('a cache on which nothing can be written is told of by its path', async () => {
  await using scene = await fetchScene();
  await symlink('/proc/none', join(scene.cacheDir, 'downloads'));
  const artifact = { name: 'one', urls: [scene.server.on('/one', serves(one))] as const };
  await expect(scene.fetch(artifact)).rejects.toMatchObject({ path: expect.stringContaining('downloads') });
  await copyFile('/dev/null', join(scene.cacheDir, 'kept'));
});

test('each that comes is told of, those in the cache together', async () => {
  await using scene = await fetchScene();
  const first = { name: 'release one/1', urls: [scene.server.on('/one', serves(one))] as const };
  const second = { name: 'release two/2', urls: [scene.server.on('/two', serves(two))] as const };
  await scene.fetch(first);
  await scene.fetchAll([first, second]);
  await scene.fetchAll([first, second]);
  expect(scene.lines).toEqual([
    expect.stringMatching(/^release one\/1: 1000 B in \d/),
    expect.stringMatching(/^release two\/2: 2 KiB in \d/),
    '1 of 2 in the cache',
    'all of 2 in the cache',
  ]);
});

test('what is asked for twice is fetched once, and given under both names', async () => {
  await using scene = await fetchScene();
  const urls = [scene.server.on('/one', serves(one))] as const;
  const artifacts = [
    { name: 'machine', urls },
    { name: 'deployments', urls },
  ];
  const fetched = await scene.fetchAll(artifacts);
  expect(fetched.map(({ artifact, sha256 }) => [artifact, sha256])).toEqual(
    artifacts.map((artifact) => [artifact, one.sha256]),
  );
  expect(scene.server.requests).toHaveLength(1);
});

test('a file for which there is no room is refused before it comes', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/huge', claims(1e15, one));
  await expect(scene.fetch({ name: 'huge', urls: [url] })).rejects.toMatchObject({
    code: 'NO_RESOURCES',
    message: expect.stringMatching(/^huge needs 909 TiB in .*downloads\/partial, .* are free$/),
  });
  expect(scene.server.requests).toHaveLength(1);
});
