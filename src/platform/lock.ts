import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, ToolError, UserError } from './errors.ts';
import { openWithDescriptor } from './process.ts';

/** A lock held by this process; dispose of it to free it. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
  /** The open file that carries the lock. A child that inherits it holds the lock as well, until it ends. */
  readonly descriptor: number;
}

/** flock(1) could not have it. */
const conflict = 75;
/** In /tmp a link of someone else's must not lead us to a file of our own. */
const openFlags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
/** How long children of a holder that was killed may take to finish what they are at. */
const orphansTimeoutMs = 120_000;

/**
 * Takes an exclusive lock on the file `path`, waiting up to `timeoutMs` (0: not at all; but if the holder was killed, for what
 * it had begun to come to its end). It is the kernel's lock on an open file: if we die in any way it is free, unless a child
 * that inherited it goes on. Throws a UserError LOCKED that names the holder if the time runs out.
 */
export async function takeLock(path: string, timeoutMs: number, purpose: string): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (;;) {
    const file = await open(path, openFlags, 0o600);
    try {
      await lockOpenFile(file, path, timeoutMs);
      if (await isStillAt(file, path)) return await held(file, path, purpose);
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close(); // whoever held it removed the file: there may be a new one
  }
}

async function held(file: FileHandle, path: string, purpose: string): Promise<Lock> {
  await file.truncate(0);
  await file.write(`process ${process.pid} (${purpose})`);
  return { path, descriptor: file.fd, [Symbol.asyncDispose]: () => file.close() };
}

async function lockOpenFile(file: FileHandle, path: string, timeoutMs: number): Promise<void> {
  if (await flock(file, path, timeoutMs)) return;
  if (timeoutMs === 0 && (await holderIsDead(path)) && (await flock(file, path, orphansTimeoutMs))) return;
  throw new UserError('LOCKED', `${(await holderOf(path)) || 'another process'} holds the lock ${path}`, {
    hints: ['wait for it to end, or end that process, then run the same command again'],
  });
}

/** The program locks the open file that it inherits from us, and ends; the lock stays with the open file. */
async function flock(file: FileHandle, path: string, timeoutMs: number): Promise<boolean> {
  const wait = timeoutMs === 0 ? ['--nonblock'] : ['--timeout', String(timeoutMs / 1000)];
  const child = openWithDescriptor(
    ['flock', '--exclusive', '--conflict-exit-code', String(conflict), ...wait, '3'],
    file.fd,
  );
  const [status] = (await once(child, 'exit').catch((error: unknown) => [error])) as [unknown];
  if (status === 0) return true;
  if (status === conflict) return false;
  throw new ToolError('PREFLIGHT', `flock on ${path} failed: ${status}`, {
    hints: ['flock is part of the package util-linux'],
  });
}

async function isStillAt(file: FileHandle, path: string): Promise<boolean> {
  const [ours, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

async function holderOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}

async function holderIsDead(path: string): Promise<boolean> {
  const pid = /^process (\d+) /.exec(await holderOf(path))?.[1];
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return errnoOf(error) === 'ESRCH';
  }
}

/**
 * The folder for locks that processes of one user share, whatever environment they were started with: below /run, or where
 * there is no such folder in /tmp.
 */
export function lockFolder(): string {
  const user = process.geteuid?.() ?? 0;
  const runtime = user === 0 ? '/run' : `/run/user/${user}`;
  return isWritable(runtime) ? join(runtime, 'boshvirt') : join('/tmp', `boshvirt-${user}`);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
