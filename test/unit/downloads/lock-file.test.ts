import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { content, serves } from '../../support/faulty-server.ts';
import { type FetchScene, fetchScene } from './fetch-scene.ts';

const [one, two] = [content(1000), content(2000)];

/** A second scene is a second machine: it has the lock file of the first and an empty cache. */
const lockOf = (scene: FetchScene, more: { part?: string; update?: boolean; environment?: string } = {}) => ({
  path: join(scene.cacheDir, 'boshvirt.lock'),
  environment: 'default',
  part: 'director',
  update: false,
  ...more,
});

test('what was fetched is written down: name, address, checksums, length, without passwords', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', serves(one));
  const artifact = {
    name: 'release one/1',
    urls: [url.replace('//', '//me:secret@')] as const,
    sha1: one.sha1,
  };
  const [fetched] = await scene.fetchAll([artifact], { lock: lockOf(scene) });
  expect(fetched?.artifact).toBe(artifact);
  const text = await readFile(lockOf(scene).path, 'utf8');
  expect(text.replace(/^#.*\n/gm, '')).toBe(`version: 1
env:
  default:
    director:
      - name: release one/1
        url: ${url}
        sha1: ${one.sha1}
        sha256: ${one.sha256}
        bytes: 1000
`);
  expect((await stat(lockOf(scene).path)).mode & 0o777).toBe(0o644);
});

test('an address without a checksum has to give on a second machine what it gave on the first', async () => {
  await using scene = await fetchScene();
  await using second = await fetchScene();
  const artifact = { name: 'latest', urls: [scene.server.on('/latest', serves(one), serves(two))] as const };
  const lock = lockOf(scene);
  await scene.fetch(artifact, { lock });
  const before = await readFile(lock.path, 'utf8');
  await expect(second.fetch(artifact, { lock })).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: expect.stringContaining('serves another file: 2000 bytes, expected 1000'),
    hints: [`what was fetched first is written in ${lock.path}`, expect.stringContaining('--update-lock')],
  });
  expect(await second.filesIn('sha256')).toEqual([]);
  expect(await readFile(lock.path, 'utf8')).toBe(before);
});

test('--update-lock accepts what the address gives now, though the old is in the cache', async () => {
  await using scene = await fetchScene();
  const artifact = { name: 'latest', urls: [scene.server.on('/latest', serves(one), serves(two))] as const };
  await scene.fetch(artifact, { lock: lockOf(scene) });
  const fetched = await scene.fetch(artifact, { lock: lockOf(scene, { update: true }) });
  expect(fetched.sha256).toBe(two.sha256);
  expect((await scene.fetch(artifact, { lock: lockOf(scene) })).sha256).toBe(two.sha256);
  expect(await readFile(lockOf(scene).path, 'utf8')).not.toContain(one.sha256);
});

test('a manifest that wants another file from a locked address is refused before anything is asked', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', serves(one));
  await scene.fetch({ name: 'one', urls: [url] }, { lock: lockOf(scene) });
  const changed = { name: 'one', urls: [url] as const, sha1: two.sha1 };
  await expect(scene.fetch(changed, { lock: lockOf(scene) })).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: `one: ${url} is locked to another file: sha1 ${one.sha1}, expected ${two.sha1}`,
    hints: expect.arrayContaining([expect.stringContaining('--update-lock')]),
  });
  expect(scene.server.requests).toHaveLength(1);
});

test('a checksum of the manifest that the server does not meet is no matter of the lock file', async () => {
  await using scene = await fetchScene();
  await using second = await fetchScene();
  const artifact = {
    name: 'one',
    urls: [scene.server.on('/one', serves(one), serves(two))] as const,
    sha1: one.sha1,
  };
  await scene.fetch(artifact, { lock: lockOf(scene) });
  await expect(second.fetch(artifact, { lock: lockOf(scene) })).rejects.toMatchObject({
    code: 'CHECKSUM',
    hints: expect.not.arrayContaining([expect.stringContaining('--update-lock')]),
  });
});

test('what is fetched for one purpose takes the place of what was, and leaves the rest alone', async () => {
  await using scene = await fetchScene();
  const of = (name: string) => ({ name, urls: [scene.server.on(`/${name}`, serves(one))] as const });
  await scene.fetch(of('other'), { lock: lockOf(scene, { environment: 'other' }) });
  await scene.fetch(of('cf'), { lock: lockOf(scene, { part: 'cf' }) });
  await scene.fetch(of('old'), { lock: lockOf(scene) });
  await scene.fetch(of('new'), { lock: lockOf(scene) });
  const text = await readFile(lockOf(scene).path, 'utf8');
  expect([...text.matchAll(/name: (\w+)/g)].map(([, name]) => name)).toEqual(['other', 'cf', 'new']);
});

test('files of this machine are not locked: another machine has none of them', async () => {
  await using scene = await fetchScene();
  const path = join(scene.cacheDir, 'here');
  await writeFile(path, one.bytes);
  await scene.fetch({ name: 'here', urls: [path] }, { lock: lockOf(scene) });
  expect(await readFile(lockOf(scene).path, 'utf8')).not.toContain('here');
});

test('a lock file that nothing changes in is not written', async () => {
  await using scene = await fetchScene();
  const artifact = { name: 'one', urls: [scene.server.on('/one', serves(one))] as const };
  await scene.fetch(artifact, { lock: lockOf(scene) });
  const { ino } = await stat(lockOf(scene).path);
  await scene.fetch(artifact, { lock: lockOf(scene) });
  expect((await stat(lockOf(scene).path)).ino).toBe(ino);
});

test('what a bundle brought along holds where the lock file says nothing', async () => {
  await using scene = await fetchScene();
  await using second = await fetchScene();
  const artifact = { name: 'latest', urls: [scene.server.on('/latest', serves(one), serves(two))] as const };
  await scene.fetch(artifact, { lock: lockOf(scene) });
  const lock = { ...lockOf(second), fallback: lockOf(scene).path };
  await expect(second.fetch(artifact, { lock })).rejects.toMatchObject({ code: 'CHECKSUM' });
});

test.each([
  ['no YAML', 'a: [', /boshvirt\.lock cannot be used: /],
  ['of another version', 'version: 2\nenv: {}', /cannot be used: version: /],
  [
    'with a checksum that is none',
    'version: 1\nenv: {default: {x: [{name: a, url: b, sha1: c, sha256: d, bytes: 1}]}}',
    /env\.default\.x\.0\.sha1: /,
  ],
])('a lock file that is %s is refused, and left as it is', async (_, text, message) => {
  await using scene = await fetchScene();
  await writeFile(lockOf(scene).path, text);
  const artifact = { name: 'one', urls: [scene.server.on('/one', serves(one))] as const };
  await expect(scene.fetch(artifact, { lock: lockOf(scene) })).rejects.toMatchObject({
    code: 'STATE_DAMAGED',
    message: expect.stringMatching(message),
  });
  expect(await readFile(lockOf(scene).path, 'utf8')).toBe(text);
  expect(scene.server.requests).toEqual([]);
});
