import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { waitFor } from '../../../src/platform/retry.ts';
import { breaksAfter, content, serves, stallsAfter } from '../../support/faulty-server.ts';
import { type FetchScene, fetchScene } from './fetch-scene.ts';

const file = content(300_000);
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Another process that fetches into the same cache. */
function fetcher(scene: FetchScene, url: string): ChildProcess & { stdout: Readable; stderr: Readable } {
  const program = join(import.meta.dirname, 'fetch-program.ts');
  const child = spawn(process.execPath, [program, scene.cacheDir, url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

test('a run that is killed is gone on with by the next, from the byte where it was', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', stallsAfter(200_000, file), serves(file));
  const first = fetcher(scene, url);
  await scene.arrival(200_000);
  first.kill('SIGKILL');
  await once(first, 'exit');
  const second = fetcher(scene, url);
  expect(await text(second.stdout)).toBe(file.sha256);
  expect(scene.server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=200000-']);
  expect(scene.server.bytesServed).toBe(300_000);
});

test('of two processes that want the same one fetches, and the other waits and finds it', async () => {
  await using scene = await fetchScene();
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const url = scene.server.on('/one', async (...exchange) => {
    await released;
    serves(file)(...exchange);
  });
  const first = fetcher(scene, url);
  await waitFor(async () => scene.server.requests.length || undefined, { timeoutMs: 15_000, intervalMs: 10 });
  const second = fetcher(scene, url);
  const [said] = (await once(second.stderr, 'data')) as [Buffer];
  expect(String(said)).toMatch(
    new RegExp(`^release one/1: waits, for process ${first.pid} \\(release one/1\\) holds the lock`),
  );
  release();
  expect(await Promise.all([text(first.stdout), text(second.stdout)])).toEqual([file.sha256, file.sha256]);
  expect(scene.server.requests).toHaveLength(1);
});

test('one that waits for a process that is killed goes on with what that one had', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', stallsAfter(200_000, file), serves(file));
  const first = fetcher(scene, url);
  await scene.arrival(200_000);
  const second = fetcher(scene, url);
  await once(second.stderr, 'data');
  first.kill('SIGKILL');
  expect(await text(second.stdout)).toBe(file.sha256);
  expect(scene.server.bytesServed).toBe(300_000);
});

test('a part whose file changed while nobody fetched is thrown away', async () => {
  await using scene = await fetchScene();
  const newer = content(250_000);
  const url = scene.server.on('/one', breaksAfter(100_000, file), serves(newer));
  const artifact = { name: 'release one/1', urls: [url] as const };
  const patience = { attempts: 1, retryDelayMs: 1, stallMs: 20_000 };
  await expect(scene.fetch(artifact, { patience })).rejects.toMatchObject({ code: 'DOWNLOAD' });
  expect((await scene.fetch(artifact)).sha256).toBe(newer.sha256);
});
