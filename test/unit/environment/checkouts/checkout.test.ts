import { mkdtemp, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkoutOf } from '../../../../src/environment/checkouts/index.ts';
import type { RepositoryPin } from '../../../../src/manifest/pins.ts';
import { silentLog } from '../../../../src/platform/log.ts';

/** As `git write-tree` gives it for the files of `commitFiles`. */
const tree = '9e0329083b0e4713b46c128bcd3ada2e4a813992';
const commit = '1234567890123456789012345678901234567890';
const other = '0123456789012345678901234567890123456789';
const signal = new AbortController().signal;

type Entry = Partial<Header> & { name: string; text?: string };

const commitFiles: Entry[] = [
  { name: 'bosh.yml', text: 'name: bosh\n' },
  { name: 'lib-x', text: '#!/bin/sh\n', mode: 0o775 },
  { name: 'lib.yml', text: 'a\n' },
  { name: 'lib/deep/ö.yml', text: 'b\n' },
  { name: 'lib/deep/up.yml', type: 'symlink', linkname: '../../lib.yml' },
  { name: 'link.yml', type: 'symlink', linkname: 'lib.yml' },
];

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boshvirt-checkout-'));
});
afterEach(async () => await rm(folder, { recursive: true }));

const archivePath = () => join(folder, 'archive.tar.gz');
const pin = (): RepositoryPin => ({ commit, tree, archives: [`file://${archivePath()}`] });

/** Offers an archive as a git host makes it: all in one folder. */
async function offer(entries: readonly Entry[]): Promise<void> {
  const tar = pack();
  tar.entry({ name: 'bosh-deployment-1234/', type: 'directory' });
  for (const { name, text = '', ...header } of entries)
    tar.entry({ mode: 0o664, ...header, name: `bosh-deployment-1234/${name}` }, text);
  tar.finalize();
  await writeFile(archivePath(), gzipSync(await buffer(tar as unknown as AsyncIterable<Uint8Array>)));
}

async function get(ref: string, onProgress?: (line: string) => void): Promise<string> {
  const cacheDir = join(folder, 'cache');
  const place = { cacheDir, offline: false, log: silentLog, signal, pin: pin() };
  return await checkoutOf('bosh-deployment', ref, { ...place, ...(onProgress ? { onProgress } : {}) });
}

test('the pinned commit is unpacked when its files make the tree that git says, and is used again without asking', async () => {
  await offer(commitFiles);
  const place = await get('pinned');
  expect(await readFile(join(place, 'lib/deep/ö.yml'), 'utf8')).toBe('b\n');
  expect(await readlink(join(place, 'lib/deep/up.yml'))).toBe('../../lib.yml');
  expect((await stat(join(place, 'lib-x'))).mode & 0o111).toBe(0o111);
  await rm(archivePath());
  expect(await get('pinned')).toBe(place);
  expect(await get(commit)).toBe(place);
});

test.each<[string, Entry[]]>([
  ['a changed file', [{ name: 'bosh.yml', text: 'name: evil\n' }, ...commitFiles.slice(1)]],
  ['one file more', [...commitFiles, { name: 'more.yml', text: '' }]],
  ['another mode', commitFiles.map((entry) => ({ ...entry, mode: 0o664 }))],
  ['another link', commitFiles.map((entry) => (entry.linkname ? { ...entry, linkname: 'x' } : entry))],
])('%s makes it another commit, of which nothing is unpacked', async (_, entries) => {
  await offer(entries);
  await expect(get('pinned')).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: expect.stringContaining(`expected ${tree}`),
  });
  await offer(commitFiles);
  expect(await readFile(join(await get('pinned'), 'bosh.yml'), 'utf8')).toBe('name: bosh\n');
});

test('a pinned folder in which somebody has changed something is made anew', async () => {
  await offer(commitFiles);
  const place = await get('pinned');
  await writeFile(join(place, 'bosh.yml'), 'name: mine\n');
  await get('pinned');
  expect(await readFile(join(place, 'bosh.yml'), 'utf8')).toBe('name: bosh\n');
});

test('of another commit it is said that it cannot be checked', async () => {
  await offer([{ name: 'bosh.yml', text: 'name: newer\n' }]);
  const said: string[] = [];
  const place = await get(other, (line) => said.push(line));
  expect(place).toContain(other);
  expect(said).toContainEqual(expect.stringContaining('only the pinned commit can be checked'));
});

test.each<[string, Entry]>([
  ['a path that climbs out', { name: '../evil', text: 'x' }],
  ['a path that climbs out further in', { name: 'lib/../../evil', text: 'x' }],
  ['a link to an absolute path', { name: 'evil', type: 'symlink', linkname: '/etc/passwd' }],
  ['a link that climbs out', { name: 'lib/evil', type: 'symlink', linkname: '../../evil' }],
  ['a hard link', { name: 'evil', type: 'link', linkname: 'bosh.yml' }],
  ['a device', { name: 'evil', type: 'character-device' }],
  ['the same file twice', { name: 'bosh.yml', text: 'x' }],
  ['a file below another', { name: 'bosh.yml/evil', text: 'x' }],
])('an archive with %s is refused', async (_, entry) => {
  await offer([...commitFiles, entry]);
  await expect(get(other)).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: expect.stringMatching(/cannot be used: /),
  });
});

test('a link below a link is refused: it would lead to another place than it says', async () => {
  const top = { name: 'a/b/c', type: 'symlink', linkname: '../..' } as const;
  const further = { name: 'a/b/c/d', type: 'symlink', linkname: '../../../bosh.yml' } as const;
  await offer([...commitFiles, top, further]);
  await expect(get(other)).rejects.toThrow('it holds a/b/c/d, and a/b/c is no folder');
});

test('an archive that is cut off, or of something else, is refused', async () => {
  await offer(commitFiles);
  await writeFile(archivePath(), (await readFile(archivePath())).subarray(0, 100));
  await expect(get('pinned')).rejects.toMatchObject({ code: 'CHECKSUM' });
  await offer([{ name: 'README.md', text: 'x' }]);
  await expect(get(other)).rejects.toThrow(/holds no bosh\.yml/);
});

test("a folder of the user's is used as it is, if it is one of bosh-deployment", async () => {
  await writeFile(join(folder, 'bosh.yml'), '');
  expect(await get(folder)).toBe(folder);
  await expect(get(join(folder, 'nowhere'))).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('there is no bosh.yml in it'),
  });
});
