import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lockFolder, takeLock } from '../../../src/platform/lock.ts';
import { waitFor } from '../../../src/platform/retry.ts';

let folder: string;
let path: string;
const holders: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-lock-'));
  path = join(folder, 'made', 'the.lock');
});
afterEach(async () => {
  for (const holder of holders.splice(0)) holder.kill('SIGKILL');
  await rm(folder, { recursive: true });
  vi.unstubAllEnvs();
});

/** Another process that holds the lock until its stdin ends. */
async function holder(...words: string[]): Promise<ChildProcess> {
  const argv = [join(import.meta.dirname, 'lock-holder.ts'), path, ...words];
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] });
  holders.push(child);
  await once(child.stdout as Readable, 'data');
  return child;
}

/** Resolves once somebody waits for the lock on the file with this inode number, by the kernel's own list. */
async function waiterAt(inode: number): Promise<void> {
  const pattern = new RegExp(`-> FLOCK .*:${inode} `);
  const seen = await waitFor(
    async () => (pattern.test(await readFile('/proc/locks', 'utf8')) ? true : undefined),
    { timeoutMs: 15_000, intervalMs: 5 },
  );
  if (!seen) throw new Error(`nobody waits for a lock on inode ${inode}`);
}

test('who comes second is told who holds the lock, and what for', async () => {
  const { pid } = await holder('boshvirt up default');
  await expect(takeLock(path, 0, 'a test')).rejects.toMatchObject({
    name: 'UserError',
    code: 'LOCKED',
    message: `process ${pid} (boshvirt up default) holds the lock ${path}`,
  });
});

test('a lock that was freed can be taken at once, and then names its new holder', async () => {
  const first = await takeLock(path, 0, 'first');
  await first[Symbol.asyncDispose]();
  await using _second = await takeLock(path, 0, 'second');
  await expect(takeLock(path, 0, 'third')).rejects.toThrow(`process ${process.pid} (second)`);
});

test('who waits gets the lock when it is freed', async () => {
  const other = await holder('something long');
  const waiting = takeLock(path, 15_000, 'the next');
  await waiterAt((await stat(path)).ino);
  other.stdin?.end();
  await using _lock = await waiting;
  expect(await readFile(path, 'utf8')).toBe(`process ${process.pid} (the next)`);
});

test('a wait that runs out says who holds the lock', async () => {
  const { pid } = await holder('something longer');
  await expect(takeLock(path, 50, 'a test')).rejects.toThrow(`process ${pid} (something longer)`);
});

test('a holder that is killed frees the lock', async () => {
  const other = await holder('to be killed');
  const ended = once(other, 'exit');
  other.kill('SIGKILL');
  await ended;
  await using lock = await takeLock(path, 0, 'a test');
  expect(lock.path).toBe(path);
});

test('what a killed holder had begun is waited for', async () => {
  const other = await holder('to be killed', 'with a child');
  const ended = once(other, 'exit');
  other.kill('SIGKILL');
  await ended;
  const waiting = takeLock(path, 0, 'a test');
  await waiterAt((await stat(path)).ino);
  (other.stdio[3] as Writable).end();
  await using lock = await waiting;
  expect(lock.path).toBe(path);
});

test('a lock file that its holder removed is no lock any more: the one who waited takes the new file', async () => {
  const first = await takeLock(path, 0, 'first');
  const waiting = takeLock(path, 15_000, 'second');
  await waiterAt((await stat(path)).ino);
  await rm(path);
  await first[Symbol.asyncDispose]();
  await using _second = await waiting;
  await expect(takeLock(path, 0, 'third')).rejects.toThrow(`process ${process.pid} (second)`);
});

test('of many at once one works at a time', async () => {
  const counter = join(folder, 'counter');
  await writeFile(counter, '0');
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      await using _lock = await takeLock(path, 15_000, 'counting');
      const count = Number(await readFile(counter, 'utf8'));
      await writeFile(counter, String(count + 1));
    }),
  );
  expect(await readFile(counter, 'utf8')).toBe('10');
});

test('a link in place of the lock file is not followed', async () => {
  const precious = join(folder, 'precious');
  await writeFile(precious, 'content');
  await symlink(precious, join(folder, 'link.lock'));
  await expect(takeLock(join(folder, 'link.lock'), 0, 'a test')).rejects.toMatchObject({ code: 'ELOOP' });
  expect(await readFile(precious, 'utf8')).toBe('content');
});

test('all processes of a user meet in one folder, whatever their environment', () => {
  const found = lockFolder();
  for (const name of ['XDG_RUNTIME_DIR', 'TMPDIR', 'HOME']) vi.stubEnv(name, folder);
  expect(lockFolder()).toBe(found);
});
