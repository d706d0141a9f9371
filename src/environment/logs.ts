import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { ToolError, UserError } from '../platform/errors.ts';
import { isThere } from '../platform/files.ts';
import type { Log } from '../platform/log.ts';
import { commandLine, openPipe, startFailure } from '../platform/process.ts';
import { pause } from '../platform/retry.ts';
import { needsCpiServer } from './cpi-server/needs.ts';
import { cpiServerPaths } from './cpi-server/paths.ts';
import { engineLogPath } from './deploy.ts';
import { hasDirector } from './director/index.ts';
import { type EnvironmentRecord, requireRecord } from './record.ts';
import { openBackend, requireVm } from './session.ts';
import { sshArgv } from './ssh.ts';

export const logSources = ['cpi', 'cpi-server', 'console', 'agent', 'director'] as const;
export type LogSource = (typeof logSources)[number];

/** Those that an environment has. */
export const logSourcesOf = (record: EnvironmentRecord): readonly LogSource[] =>
  logSources.filter((source) =>
    source === 'cpi-server' ? needsCpiServer(record) : source !== 'director' || hasDirector(record),
  );

export interface LogOptions {
  /** Goes on with what is written from now on, until the signal fires. */
  readonly follow: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** runit keeps the agent's log there; readable for root alone, hence sudo. */
const agentLogPath = '/var/vcap/bosh/log/current';
/** The job's logs, one a process; a shell of root's has to find them. */
const directorLogPaths = '/var/vcap/sys/log/director/*.log';
const everything = ['-n', '+1'];

/**
 * The text of one of the environment's logs, as a stream: what create-env and the CPI said on this machine, what a director
 * asked of the CPI server (docs/cpi-serve.md), the VM's serial
 * console (also of a VM that is off), the logs of agent and director out of the running guest.
 */
export async function* readLog(
  name: string,
  source: LogSource,
  options: LogOptions,
): AsyncGenerator<Uint8Array> {
  const record = await requireRecord(name);
  if (source === 'cpi') yield* fileLog(engineLogPath(name), 'create-env has not run yet', options);
  else if (source === 'cpi-server')
    yield* fileLog(cpiServerPaths(name).audit, 'there has been no CPI server yet', options);
  else if (source === 'console') yield* consoleLog(record, options);
  else if (source === 'director') yield* directorLog(name, options);
  else yield* agentLog(name, options);
}

async function* fileLog(
  path: string,
  unless: string,
  { follow, signal }: LogOptions,
): AsyncGenerator<Uint8Array> {
  if (!(await isThere(path))) throw new UserError('NO_ENVIRONMENT', `${unless}: there is no ${path}`);
  if (follow) yield* outputOf(['tail', ...everything, '-F', path], signal);
  else yield* createReadStream(path, { signal }) as AsyncIterable<Uint8Array>;
}

async function* consoleLog(record: EnvironmentRecord, options: LogOptions): AsyncGenerator<Uint8Array> {
  await using backend = await openBackend(record, options.log);
  const read = async () => backend.ground.consoleLog(await requireVm(record.name));
  if (options.follow) yield* growing(read, options.signal);
  else yield* await read();
}

/** What comes after what was there already, asked for each second; a text that got shorter is a new one. */
async function* growing(
  read: () => Promise<AsyncIterable<Uint8Array>>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let seen = 0; ; await pause(1_000, signal)) {
    let at = 0;
    for await (const chunk of await read()) {
      if (at + chunk.length > seen) yield chunk.subarray(Math.max(0, seen - at));
      at += chunk.length;
    }
    seen = at;
  }
}

async function* directorLog(name: string, { follow, signal }: LogOptions): AsyncGenerator<Uint8Array> {
  const line = ['tail', ...everything, ...(follow ? ['-F'] : []), directorLogPaths].join(' ');
  yield* outputOf(await sshArgv(name, ['sudo', '-n', 'sh', '-c', `'${line}'`]), signal);
}

async function* agentLog(name: string, { follow, signal }: LogOptions): AsyncGenerator<Uint8Array> {
  const tail = follow ? [...everything, '-F'] : everything;
  yield* outputOf(await sshArgv(name, ['sudo', '-n', 'tail', ...tail, agentLogPath]), signal);
}

/** A program's output as it comes. Throws a UserError if the program is not installed, a ToolError if it fails. */
async function* outputOf(
  argv: readonly [string, ...string[]],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const child = openPipe(argv);
  const ended = Promise.allSettled([once(child, 'close')]);
  child.stdin.on('error', () => {}).end();
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said = `${said}${piece.toString('utf8')}`.slice(-2_000);
  });
  const kill = () => child.kill();
  signal.addEventListener('abort', kill, { once: true });
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const [end] = await ended;
    signal.throwIfAborted();
    if (end.status === 'rejected') throw startFailure(argv, end.reason);
    const [status] = end.value as [number | null];
    if (status !== 0)
      throw new ToolError(
        'TEMPORARY',
        `${commandLine(argv)} failed with exit status ${status}: ${said.trim()}`,
      );
  } finally {
    signal.removeEventListener('abort', kill);
    child.kill();
  }
}
