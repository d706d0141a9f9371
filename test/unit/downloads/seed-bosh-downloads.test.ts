import { createHash } from 'node:crypto';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Artifact, seedBoshDownloads } from '../../../src/downloads/index.ts';
import { content, serves, sha256Of } from '../../support/faulty-server.ts';
import { type FetchScene, fetchScene } from './fetch-scene.ts';

const one = content(1000);
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');

/** Fetches it, fills the cache of a bosh with that home, and gives the names of the files in there. */
async function seeded(scene: FetchScene, artifact: Artifact): Promise<string[]> {
  const fetched = await scene.fetchAll([artifact]);
  await seedBoshDownloads(fetched, scene.cacheDir);
  return (await readdir(join(scene.cacheDir, '.bosh', 'downloads'))).sort();
}

test('bosh finds a download by its address and the checksum of the manifest', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', serves(one));
  const names = await seeded(scene, { name: 'one', urls: [url], sha1: one.sha1 });
  expect(names).toEqual([`${sha1(url)}-${one.sha1}`]);
  const path = join(scene.cacheDir, '.bosh', 'downloads', names[0] ?? '');
  expect(await sha256Of(path)).toBe(one.sha256);
  expect((await stat(path)).nlink).toBe(2); // no second copy on the disk
});

test('a checksum that the manifest writes in another way is taken letter by letter', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', serves(one));
  const digest = `${one.sha1};sha256:${one.sha256}`;
  expect(await seeded(scene, { name: 'one', urls: [url], sha1: one.sha1, digest })).toEqual([
    `${sha1(url)}-${digest}`,
  ]);
});

test('where nobody says how the manifest writes it, each form is there', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', serves(one));
  const forms = [`${sha1(url)}-${one.sha1}`, `${sha1(url)}-sha256:${one.sha256}`];
  expect(await seeded(scene, { name: 'one', urls: [url] })).toEqual(forms.sort());
});

test('what bosh has under that name is replaced: it believes a file without a look inside', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', serves(one));
  const folder = join(scene.cacheDir, '.bosh', 'downloads');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${sha1(url)}-${one.sha1}`), 'half of i');
  const artifact = { name: 'one', urls: [url] as const, sha1: one.sha1 };
  for (const _ of ['once', 'again']) {
    const [name = '', ...others] = await seeded(scene, artifact);
    expect(others).toEqual([]);
    expect(await sha256Of(join(folder, name))).toBe(one.sha256);
  }
});

test('a file of this machine is no download: bosh takes it where it lies', async () => {
  await using scene = await fetchScene();
  const path = join(scene.cacheDir, 'here.tgz');
  await writeFile(path, one.bytes);
  expect(await seeded(scene, { name: 'here', urls: [`file://${path}`] })).toEqual([]);
});
