import { createHash } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, type Header, pack } from 'tar-stream';
import { expect, test } from 'vitest';
import { DownloadCache, type LockFile, readBundle, writeBundle } from '../../../src/downloads/index.ts';
import { content, serves, sha256Of } from '../../support/faulty-server.ts';
import { type FetchScene, fetchScene } from './fetch-scene.ts';

const [one, two] = [content(100_000), content(2000)];
const options = { signal: new AbortController().signal, onFile() {} };
const lock: LockFile = { version: 1, env: { default: { director: [] } } };

interface Entry {
  readonly header: Partial<Header> & { readonly name: string };
  readonly content: Buffer;
}

/** A bundle of two downloads, one of them known by its address alone. */
async function bundled(scene: FetchScene): Promise<string> {
  await scene.fetchAll([
    { name: 'one', urls: [scene.server.on('/one', serves(one))], sha256: one.sha256 },
    { name: 'two', urls: [scene.server.on('/two', serves(two))] },
  ]);
  const files = (await new DownloadCache(scene.cacheDir).list()).sort((a, b) => b.bytes - a.bytes);
  const path = join(scene.cacheDir, 'bundles', 'bundle.tar');
  await writeBundle(path, { environment: 'default', lock, files }, options);
  return path;
}

async function entriesOf(path: string): Promise<Entry[]> {
  const found: Entry[] = [];
  const entries = Readable.from([await readFile(path)]).pipe(extract() as unknown as NodeJS.WritableStream);
  for await (const entry of entries as unknown as ReturnType<typeof extract>)
    found.push({
      header: entry.header,
      content: await buffer(entry as unknown as AsyncIterable<Uint8Array>),
    });
  return found;
}

/** Writes the entries that `change` makes of the bundle's. */
async function rewrite(path: string, change: (entries: Entry[]) => readonly Entry[]): Promise<void> {
  const archive = pack();
  for (const { header, content: bytes } of change(await entriesOf(path)))
    archive.entry({ ...header, size: bytes.length }, bytes);
  archive.finalize();
  await writeFile(path, await buffer(archive as unknown as AsyncIterable<Uint8Array>));
}

type Listed = { readonly files: readonly object[] };

/** The list of what is in a bundle, changed. */
function relisted(entries: readonly Entry[], change: (listed: Listed) => Listed): Entry {
  const listed = JSON.parse(entries[0]?.content.toString() ?? '') as Listed;
  return file('bundle.json', Buffer.from(JSON.stringify(change(listed))));
}

const file = (name: string, bytes: Buffer): Entry => ({ header: { name, type: 'file' }, content: bytes });

test('another machine has all that was in the bundle, by checksum and by address, without the network', async () => {
  await using scene = await fetchScene();
  await using second = await fetchScene();
  const read = await readBundle(await bundled(scene), new DownloadCache(second.cacheDir), options);
  expect(read.lock).toEqual(lock);
  const fetched = await second.fetchAll(
    [
      { name: 'one', urls: ['http://elsewhere.test/one'], sha1: one.sha1 },
      { name: 'two', urls: [scene.server.url('/two')] },
    ],
    { offline: true },
  );
  expect(await sha256Of(fetched[0]?.path ?? '')).toBe(one.sha256);
  expect(await sha256Of(fetched[1]?.path ?? '')).toBe(two.sha256);
});

test('a bundle is a tar file that says first what is in it', async () => {
  await using scene = await fetchScene();
  const path = await bundled(scene);
  const entries = await entriesOf(path);
  const names = ['bundle.json', 'boshvirt.lock', `sha256/${one.sha256}`, `sha256/${two.sha256}`];
  expect(entries.map(({ header }) => header.name)).toEqual(names);
  expect(JSON.parse(entries[0]?.content.toString() ?? '')).toMatchObject({
    version: 1,
    environment: 'default',
    lockSha256: createHash('sha256')
      .update(entries[1]?.content ?? '')
      .digest('hex'),
    files: [{ sha1: one.sha1, sha256: one.sha256, bytes: 100_000, names: ['one'] }, { sha256: two.sha256 }],
  });
  expect(await readdir(join(scene.cacheDir, 'bundles'))).toEqual(['bundle.tar']);
});

test('of a damaged cache no bundle is made', async () => {
  await using scene = await fetchScene();
  await bundled(scene);
  const cache = new DownloadCache(scene.cacheDir);
  const files = await cache.list();
  await writeFile(cache.contentPath(two.sha256), one.bytes.subarray(0, 2000));
  const path = join(scene.cacheDir, 'bundles', 'other.tar');
  await expect(writeBundle(path, { environment: 'default', lock, files }, options)).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: expect.stringContaining('two in the cache is damaged'),
  });
  expect(await readdir(join(scene.cacheDir, 'bundles'))).toEqual(['bundle.tar']);
});

const lies: Readonly<Record<string, { change(entries: Entry[]): readonly Entry[]; why: string | RegExp }>> = {
  'a file with one bit changed': {
    change: ([contents, locked, first, second]) => {
      const bytes = Buffer.from(first?.content ?? '');
      bytes[70_000] = (bytes[70_000] ?? 0) ^ 1;
      return [contents, locked, { ...first, content: bytes }, second] as Entry[];
    },
    why: /one has sha256 [0-9a-f]{64}, expected/,
  },
  'a file that is shorter than listed': {
    change: ([contents, locked, first, second]) =>
      [contents, locked, { ...first, content: first?.content.subarray(1) }, second] as Entry[],
    why: 'has 99999 bytes, listed are 100000',
  },
  'a file missing at its end': { change: (entries) => entries.slice(0, 3), why: /it ends before 'sha256\// },
  'a file missing in the middle': {
    change: (entries) => entries.toSpliced(2, 1),
    why: /where 'sha256\/\w+' should be it has the file 'sha256\//,
  },
  'a file that is not listed': {
    change: (entries) => [...entries, file('sha256/more', Buffer.from('more'))],
    why: "it holds 'sha256/more', which it does not list",
  },
  'a link in place of a file': {
    change: (entries) =>
      entries.with(2, {
        header: { name: `sha256/${one.sha256}`, type: 'symlink', linkname: '/etc/shadow' },
        content: Buffer.alloc(0),
      }),
    why: 'it has the symlink',
  },
  'another lock file than listed': {
    change: (entries) => entries.with(1, file('boshvirt.lock', Buffer.from('version: 1\nenv: {}\n'))),
    why: 'its boshvirt.lock is not the one that it lists',
  },
  'no list': { change: (entries) => entries.slice(1), why: "where 'bundle.json' should be" },
  'a list that is no list': {
    change: (entries) => entries.with(0, file('bundle.json', Buffer.from('{"version":2}'))),
    why: 'its bundle.json is no list',
  },
  'a list with a path in it': {
    change: (entries) => {
      const listed = JSON.parse(entries[0]?.content.toString() ?? '');
      listed.files[0].sha256 = '../../../evil';
      return entries.with(0, file('bundle.json', Buffer.from(JSON.stringify(listed))));
    },
    why: 'its bundle.json is no list',
  },
  'a command for its environment': {
    change: (entries) =>
      entries.with(
        0,
        relisted(entries, (listed) => ({ ...listed, environment: 'a; b' })),
      ),
    why: 'its bundle.json is no list',
  },
  'a file listed twice': {
    change: (entries) => {
      const listed = JSON.parse(entries[0]?.content.toString() ?? '');
      listed.files[1] = listed.files[0];
      return entries.with(0, file('bundle.json', Buffer.from(JSON.stringify(listed))));
    },
    why: 'it lists a file twice',
  },
};

test.each(Object.entries(lies))('a bundle with %s imports nothing', async (_, { change, why }) => {
  await using scene = await fetchScene();
  await using second = await fetchScene();
  const path = await bundled(scene);
  await rewrite(path, change);
  const failure = await readBundle(path, new DownloadCache(second.cacheDir), options).catch((error) => error);
  expect(failure).toMatchObject({
    code: 'CHECKSUM',
    message: expect.stringMatching(/^The bundle cannot be used/),
  });
  expect(failure.message).toMatch(why);
  expect(await readdir(join(second.cacheDir, 'downloads'))).toEqual([]);
});

test.each([
  ['cut off in a file', 60_000],
  ['cut off at its beginning', 100],
])('a bundle that is %s imports nothing', async (_, length) => {
  await using scene = await fetchScene();
  await using second = await fetchScene();
  const path = await bundled(scene);
  await truncate(path, length);
  await expect(readBundle(path, new DownloadCache(second.cacheDir), options)).rejects.toMatchObject({
    code: 'CHECKSUM',
  });
  expect(await readdir(join(second.cacheDir, 'downloads'))).toEqual([]);
});

test('a bundle for which there is no room is refused before anything is unpacked', async () => {
  await using scene = await fetchScene();
  await using second = await fetchScene();
  const path = await bundled(scene);
  const huge = ({ files, ...listed }: Listed) => ({
    ...listed,
    files: files.map((each) => ({ ...each, bytes: 1e15 })),
  });
  await rewrite(path, (entries) => entries.with(0, relisted(entries, huge)));
  await expect(readBundle(path, new DownloadCache(second.cacheDir), options)).rejects.toMatchObject({
    code: 'NO_RESOURCES',
    message: expect.stringContaining('What is in the bundle needs 1819 TiB in '),
  });
  const files = (await new DownloadCache(scene.cacheDir).list()).map((each) => ({ ...each, bytes: 1e15 }));
  const out = join(scene.cacheDir, 'bundles', 'other.tar');
  await expect(writeBundle(out, { environment: 'default', lock, files }, options)).rejects.toMatchObject({
    code: 'NO_RESOURCES',
  });
});

test('a folder is no bundle, and nothing that one is written to', async () => {
  await using scene = await fetchScene();
  const [path, cache] = [scene.cacheDir, new DownloadCache(scene.cacheDir)];
  await expect(readBundle(path, cache, options)).rejects.toMatchObject({ code: 'USAGE' });
  const parts = { environment: 'default', lock, files: [] };
  await expect(writeBundle(path, parts, options)).rejects.toMatchObject({ code: 'USAGE' });
});

test('what is no bundle at all is refused in words', async () => {
  await using scene = await fetchScene();
  const cache = new DownloadCache(scene.cacheDir);
  const path = join(scene.cacheDir, 'no.tar');
  await expect(readBundle(path, cache, options)).rejects.toMatchObject({
    code: 'USAGE',
    message: `There is no file ${path}`,
  });
  await writeFile(path, one.bytes);
  await expect(readBundle(path, cache, options)).rejects.toMatchObject({ code: 'CHECKSUM' });
  await writeFile(path, '');
  await expect(readBundle(path, cache, options)).rejects.toMatchObject({ code: 'CHECKSUM' });
});

test('an interrupted import leaves nothing', async () => {
  await using scene = await fetchScene();
  await using second = await fetchScene();
  const stop = new AbortController();
  const interrupted = new Error('interrupted');
  const onFile = (name: string) => name === 'two' && stop.abort(interrupted);
  const importing = readBundle(await bundled(scene), new DownloadCache(second.cacheDir), {
    signal: stop.signal,
    onFile,
  });
  await expect(importing).rejects.toBe(interrupted);
  expect(await readdir(join(second.cacheDir, 'downloads'))).toEqual([]);
});

test('an interrupted bundle is not written', async () => {
  await using scene = await fetchScene();
  await bundled(scene);
  const stop = new AbortController();
  const interrupted = new Error('interrupted');
  const files = await new DownloadCache(scene.cacheDir).list();
  const path = join(scene.cacheDir, 'bundles', 'other.tar');
  const writing = writeBundle(
    path,
    { environment: 'default', lock, files },
    { signal: stop.signal, onFile: () => stop.abort(interrupted) },
  );
  await expect(writing).rejects.toBe(interrupted);
  expect(await readdir(join(scene.cacheDir, 'bundles'))).toEqual(['bundle.tar']);
});
