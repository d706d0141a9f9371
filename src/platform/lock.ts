import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ToolError, UserError } from './errors.ts';
import { openPipe } from './process.ts';

/** A lock held by this process; dispose of it to free it. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
}

/**
 * Takes an exclusive lock on the file `path`, waiting up to `timeoutMs` (0: not at all).
 * The kernel's lock is held by flock(1), whose stdin is ours: if we die in any way, it ends and the lock is free.
 * Throws a UserError LOCKED that names the holder if the time runs out.
 */
export async function takeLock(path: string, timeoutMs: number, purpose: string): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const wait = timeoutMs === 0 ? ['--nonblock'] : ['--timeout', String(timeoutMs / 1000)];
  const child = openPipe([
    'flock',
    '--exclusive',
    '--conflict-exit-code',
    '75',
    ...wait,
    path,
    'sh',
    '-c',
    'echo held; cat',
  ]);
  child.stderr.resume();
  const ended = new Promise<number | Error>((resolve) => {
    child.once('error', resolve);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const held = await Promise.race([once(child.stdout, 'data').then(() => true as const), ended]);
  if (held === 75) {
    throw new UserError('LOCKED', `${await holderOf(path)} holds the lock ${path}`, {
      hints: ['wait for it to end, or end that process, then run the same command again'],
    });
  }
  if (held !== true) throw new ToolError('BUG', `flock ${path} failed: ${held}`);
  await writeFile(path, `process ${process.pid} (${purpose})`);
  return {
    path,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

async function holderOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text === '' ? 'another process' : text;
}

/** The folder for locks that processes of one user share: the run-time folder, or one of the user's own in /tmp. */
export function lockFolder(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  return runtime ? join(runtime, 'boshvirt') : join(tmpdir(), `boshvirt-${process.getuid?.() ?? 'user'}`);
}
