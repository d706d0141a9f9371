/** What was downloaded, by the real launcher: seen, checked, deleted, and carried to a person without internet. */
import { chmod, mkdtempDisposable, readFile, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DownloadCache, fetchArtifacts } from '../../src/downloads/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { content, faultyServer, serves } from '../support/faulty-server.ts';
import { launcherFor } from '../support/launcher.ts';

const file = content(100_000);

/** Somebody with a home of their own. */
async function newcomer() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'bv-downloads-'));
  const home = folder.path;
  return {
    ...launcherFor(home),
    cache: new DownloadCache(join(home, '.cache', 'boshvirt')),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** The same, and for their environment `work` a release was fetched, from a server that is gone by now. */
async function fetcher() {
  const person = await newcomer();
  await using server = await faultyServer(async () => {});
  const artifact = { name: 'release one/1', urls: [server.on('/one.tgz', serves(file))] as const };
  const path = join(person.home, '.local/share/boshvirt/envs/work/boshvirt.lock');
  await fetchArtifacts([artifact], {
    cacheDir: join(person.home, '.cache', 'boshvirt'),
    offline: false,
    log: silentLog,
    signal: new AbortController().signal,
    lock: { path, environment: 'work', part: 'director', update: false },
  });
  return { ...person, url: artifact.urls[0], lockFile: path };
}

test('cache list tells what there is and who needs it', async () => {
  await using person = await fetcher();
  const { stdout } = await person.run(['cache', 'list']);
  expect(stdout).toMatch(/^release one\/1 {2}98 KiB {2}work {7}\d{4}-\d\d-\d\d \d\d:\d\d$/m);
  const { downloads } = JSON.parse((await person.run(['cache', 'list', '--json'])).stdout);
  expect(downloads).toMatchObject([
    {
      sha256: file.sha256,
      addresses: [person.url],
      neededBy: [{ environment: 'work', lockFile: person.lockFile }],
    },
  ]);
  expect(JSON.parse((await person.run(['cache', 'list', '--json'])).stdout).bytes).toBe(100_000);
});

test('cache prune keeps what an environment needs, asks before it deletes, and can be told all', async () => {
  await using person = await fetcher();
  expect((await person.run(['cache', 'prune'])).stdout).toBe('There is nothing to delete.\n');
  const asking = await person.run(['cache', 'prune', '--all']);
  expect(asking).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') });
  expect(await person.cache.list()).toHaveLength(1);
  const deleting = await person.run(['cache', 'prune', '--all', '--yes']);
  expect(deleting).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Deleted 98 KiB.') });
  expect(await person.cache.list()).toEqual([]);
  expect(await person.run(['cache', 'prune', '--older-than', 'soon'])).toMatchObject({ exitCode: 2 });
});

test('cache verify deletes what is damaged and ends with 31', async () => {
  await using person = await fetcher();
  expect(await person.run(['cache', 'verify'])).toMatchObject({
    exitCode: 0,
    stdout: '1 download is as it should be (98 KiB).\n',
  });
  const [kept] = await person.cache.list();
  await chmod(kept?.path ?? '', 0o600);
  await writeFile(kept?.path ?? '', Buffer.alloc(100_000));
  const found = await person.run(['cache', 'verify', '--json']);
  expect(found.exitCode).toBe(31);
  expect(JSON.parse(found.stdout).error).toMatchObject({
    code: 'CHECKSUM',
    message: expect.stringContaining(
      '1 of 1 downloads were damaged and are deleted:\n  release one/1: sha256',
    ),
  });
  expect(await person.cache.list()).toEqual([]);
});

test('a bundle brings one person’s downloads to another; a damaged one brings nothing', async () => {
  await using person = await fetcher();
  await using other = await newcomer();
  const bundle = join(person.home, 'work.tar');
  const made = await person.run(['bundle', 'create', 'work', '--out', 'work.tar', '--offline']);
  expect(made).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining(`${bundle}: 1 download, 98 KiB.`),
    stderr: expect.stringContaining('Not in the bundle, since it is not in the cache: bosh-deployment'),
  });
  expect(made.stdout).toContain('Packages of the operating system are not in it');
  const damaged = join(person.home, 'damaged.tar');
  await writeFile(damaged, await readFile(bundle));
  await truncate(damaged, 50_000);
  expect(await other.run(['bundle', 'import', damaged])).toMatchObject({
    exitCode: 31,
    stderr: expect.stringContaining('The bundle cannot be used, and nothing of it was taken'),
  });
  expect(await other.cache.list()).toEqual([]);
  const imported = await other.run(['bundle', 'import', bundle]);
  expect(imported).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('boshvirt up work --offline'),
  });
  expect(await other.cache.list()).toMatchObject([{ sha256: file.sha256, names: ['release one/1'] }]);
});

test('a bundle of nothing, or from nowhere, is refused in words', async () => {
  await using person = await newcomer();
  expect(await person.run(['bundle', 'create', '--out', 'x.tar'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("Nothing was fetched for the environment 'default'"),
  });
  expect(await person.run(['bundle', 'create'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('out'),
  });
  expect(await person.run(['bundle', 'import', 'nope.tar'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('There is no file'),
  });
});
