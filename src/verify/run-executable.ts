import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { errnoOf } from '../platform/errors.ts';
import { openPipe, startFailure } from '../platform/process.ts';
import type { CallerKind, CpiProgram, RawAnswer } from './exchange.ts';

/** No caller of a CPI has a limit; ours is for one that hangs, so that the rest can be tried. */
const timeoutMs = 15 * 60_000;
/** What a CPI wrote last may arrive after its end; later than this somebody else holds the stream. */
const graceMs = 2_000;

/**
 * A CPI executable, started as bosh starts it (contract 1.1): a process for each call, with no more arguments than these. It
 * has a process group of its own, so that Ctrl-C does not reach it. Throws a UserError if it cannot be started.
 */
export function executable(argv: readonly [string, ...string[]]): CpiProgram {
  return async (request, caller) => {
    const child = openPipe(argv, { ...surroundings[caller], ownGroup: true });
    child.on('error', () => {}); // told by `answerOf`
    child.stdin.on('error', (error) => {
      if (errnoOf(error) !== 'EPIPE') throw error; // a CPI that does not read its request; its answer tells
    });
    child.stdin.end(request);
    return await answerOf(argv, child);
  };
}

/** The director clears its environment; the command line adds to its own. */
const surroundings: Readonly<
  Record<CallerKind, { cleanEnv: boolean; env: Readonly<Record<string, string | undefined>> }>
> = {
  director: {
    cleanEnv: true,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TMPDIR: tmpdir(), HOME: process.env.HOME },
  },
  cli: {
    cleanEnv: false,
    env: { BOSH_PACKAGES_DIR: '/var/vcap/packages', BOSH_JOBS_DIR: '/var/vcap/jobs' },
  },
};

async function answerOf(
  argv: readonly [string, ...string[]],
  child: ReturnType<typeof openPipe>,
): Promise<RawAnswer> {
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8');
    child[name].on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const limit = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const closed = once(child, 'close');
  closed.catch(() => {}); // `exit` is waited for first
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    const heldOpen = await isLate(closed);
    if (heldOpen) for (const name of ['stdout', 'stderr'] as const) child[name].destroy();
    return { ...text, exitCode: code ?? undefined, heldOpen };
  } catch (error) {
    throw startFailure(argv, error as Error);
  } finally {
    clearTimeout(limit);
  }
}

async function isLate(closed: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(true), graceMs);
  try {
    return await Promise.race([closed.then(() => false), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
