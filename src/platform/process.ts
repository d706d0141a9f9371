/**
 * The one place that starts other programs. A command is an argv, never a shell string; every run has a timeout, unless
 * somebody decides that it has none, and may have a signal. What starts them is loaded on first use: the CPI's light calls
 * start no program and must not pay for it.
 */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { constants as os } from 'node:os';
import type { Writable } from 'node:stream';
import { type ErrorCode, ToolError, UserError } from './errors.ts';

export interface RunOptions {
  cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  /** true: the child sees `env` and nothing else. */
  cleanEnv?: boolean;
  /** What it reads from stdin. An error of a stream ends the program and is thrown in place of its own. */
  input?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Two minutes unless said; 0: as long as it takes. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  /** Exit statuses that are answers rather than failures; 0 always is. */
  okExitCodes?: readonly number[];
  /** Called with each line of stdout and stderr as it comes. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Called with its stdout as it comes, in pieces of any size: a line may long stay unfinished. */
  onText?: (text: string) => void;
  /** The error's code if the program fails. */
  failure?: ErrorCode;
  /**
   * true: a process group of its own, so that Ctrl-C in the terminal does not reach the program. It is not ended with this
   * process.
   */
  ownGroup?: boolean;
  /** Open files that the program inherits as its descriptors 3, 4, … */
  descriptors?: readonly number[];
}

export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

const childProcess = () => process.getBuiltinModule('node:child_process');

const defaultTimeoutMs = 120_000;

/**
 * Runs a program to its end. Throws a UserError if it is not installed and a ToolError (command line, exit status,
 * end of its output) if it fails, is killed or takes longer than `timeoutMs`.
 */
export async function run(
  argv: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<RunResult> {
  const { execa } = await import('execa');
  const [file, ...args] = argv;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const child = execa(file, args, {
    reject: false,
    stripFinalNewline: false,
    extendEnv: !options.cleanEnv,
    env: (options.env ?? {}) as Record<string, string>,
    timeout: timeoutMs,
    forceKillAfterDelay: 5_000,
    maxBuffer: 64 * 1024 * 1024,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    ...(options.ownGroup ? { detached: true, cleanup: false } : {}),
    ...(isWhole(options.input) ? { input: options.input } : {}),
    stdio: [
      options.input === undefined ? 'ignore' : 'pipe',
      'pipe',
      'pipe',
      ...((options.descriptors ?? []) as 3[]), // execa's types know descriptors up to 9
    ],
  });
  const { onLine, onText } = options;
  if (onText) {
    const decoder = new TextDecoder();
    child.stdout.on('data', (chunk: Uint8Array) => onText(decoder.decode(chunk, { stream: true })));
  }
  const watching = onLine
    ? (['stdout', 'stderr'] as const).map(async (from) => {
        for await (const line of child.iterable({ from, preserveNewlines: false }))
          onLine(String(line), from);
      })
    : [];
  const feeding = isStream(options.input) ? feed(child, options.input) : undefined;
  const [result] = await Promise.all([child, ...watching.map((watch) => watch.catch(ignoreEndedStream))]);
  const inputFault = await feeding;
  if (inputFault !== undefined) throw inputFault;
  const exitCode = result.exitCode;
  if (exitCode === 0 || (exitCode !== undefined && options.okExitCodes?.includes(exitCode))) {
    return { stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? ''), exitCode };
  }
  if (result.isCanceled)
    throw options.signal?.reason ?? new ToolError('INTERRUPTED', `${file} was interrupted`);
  throw failureOf(argv, options.failure ?? 'HYPERVISOR', {
    exitCode,
    output: `${result.stdout ?? ''}${result.stderr ?? ''}`,
    reason: result.timedOut
      ? `did not end within ${timeoutMs / 1000} s`
      : result.signal
        ? `was ended by ${result.signal}`
        : (result.originalMessage ?? ''),
    missing: result.code === 'ENOENT',
  });
}

const isWhole = (input: RunOptions['input']): input is string | Uint8Array =>
  typeof input === 'string' || input instanceof Uint8Array;
const isStream = (input: RunOptions['input']): input is AsyncIterable<Uint8Array> =>
  input !== undefined && !isWhole(input);

/** Gives what the input threw, after ending the program; one that stops reading has its own reason. */
async function feed(
  child: { readonly stdin: Writable | null; kill(): boolean },
  input: AsyncIterable<Uint8Array>,
): Promise<unknown> {
  const { pipeline } = await import('node:stream/promises');
  let fault: unknown;
  const watched = async function* () {
    try {
      yield* input;
    } catch (error) {
      fault = error;
      child.kill();
      throw error;
    }
  };
  if (child.stdin) await pipeline(watched, child.stdin).catch(ignoreEndedStream);
  return fault;
}

/** The child's own failure is reported through its result; a line reader that ends with it has nothing to add. */
function ignoreEndedStream(): void {}

function failureOf(
  argv: readonly [string, ...string[]],
  code: ErrorCode,
  facts: { exitCode: number | undefined; output: string; reason: string; missing: boolean },
): Error {
  const command = commandLine(argv);
  if (facts.missing) {
    return new UserError('PREFLIGHT', `${argv[0]} is not installed (needed for: ${command})`, {
      hints: ['boshvirt doctor shows what is missing and how to install it'],
    });
  }
  const tail = lastLines(facts.output, 20);
  const what = facts.exitCode === undefined ? facts.reason : `failed with exit status ${facts.exitCode}`;
  return new ToolError(code, `${command} ${what}${tail ? `:\n${tail}` : ''}`, {
    command,
    exitCode: facts.exitCode,
    output: facts.output,
  });
}

/** Runs a program with this terminal as its own (ssh, an editor) and gives its exit status; 128 + n for signal n. */
export async function runInTerminal(
  argv: readonly [string, ...string[]],
  options: Pick<RunOptions, 'env' | 'cwd'> = {},
): Promise<number> {
  const child = start(argv, { stdio: 'inherit', ...options });
  const ignore = () => {}; // Ctrl-C goes to the whole process group: the child decides what it means
  process.on('SIGINT', ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => reject(startFailure(argv, error)));
      child.once('exit', (code, signal) => resolve(code ?? 128 + os.signals[signal ?? 'SIGTERM']));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}

/** Starts a program whose standard streams the caller speaks through (a tunnel, a lock holder). */
export function openPipe(
  argv: readonly [string, ...string[]],
  options: Pick<RunOptions, 'env' | 'cleanEnv' | 'cwd' | 'ownGroup'> = {},
) {
  const [file, ...args] = argv;
  return childProcess().spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: options.ownGroup ?? false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.cleanEnv ? { ...options.env } : { ...process.env, ...options.env },
  });
}

/** Starts a program that is silent and works on an open file of ours, its descriptor 3. */
export function openWithDescriptor(argv: readonly [string, ...string[]], descriptor: number): ChildProcess {
  const [file, ...args] = argv;
  return childProcess().spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
}

/**
 * Starts a program in a process group of its own: Ctrl-C in the terminal reaches it through us alone, and -pid names the
 * group. Its descriptor 3 is a pipe that nobody writes to; it ends when the last process that it started has ended.
 * `descriptors` follow as 4, 5, …
 */
export function openGroup(
  argv: readonly [string, ...string[]],
  options: Pick<RunOptions, 'cwd' | 'descriptors'> & { env: Readonly<Record<string, string | undefined>> },
): ChildProcess {
  const [file, ...args] = argv;
  return childProcess().spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...(options.descriptors ?? [])],
    detached: true,
    env: { ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

/** Starts a daemon that outlives this process; its output goes to the open file `outputFd`. */
export function startDaemon(
  argv: readonly [string, ...string[]],
  outputFd: number,
  env: Record<string, string>,
): ChildProcess {
  const child = start(argv, { stdio: ['ignore', outputFd, outputFd], detached: true, env, replaceEnv: true });
  child.unref();
  return child;
}

/** Becomes another program, under the same process id. Nothing after it is done; throws if there is no such program. */
export async function becomeProgram(argv: readonly [string, ...string[]]): Promise<never> {
  const path = await which(argv[0]);
  if (path === undefined || !process.execve) throw startFailure(argv, new Error('it is not there'));
  return process.execve(path, argv, process.env as Record<string, string>);
}

function start(
  argv: readonly [string, ...string[]],
  options: {
    stdio: SpawnOptions['stdio'];
    env?: RunOptions['env'];
    cwd?: string;
    detached?: boolean;
    replaceEnv?: boolean;
  },
): ChildProcess {
  const [file, ...args] = argv;
  return childProcess().spawn(file, args, {
    stdio: options.stdio,
    detached: options.detached ?? false,
    env: options.replaceEnv ? { ...options.env } : { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
}

/** What to throw when a program could not be started: a UserError if it is not installed. */
export function startFailure(argv: readonly [string, ...string[]], error: Error): Error {
  const missing = 'code' in error && error.code === 'ENOENT';
  return failureOf(argv, 'HYPERVISOR', { exitCode: undefined, output: '', reason: error.message, missing });
}

/** An argv as a line that can be pasted into a POSIX shell. */
export function commandLine(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** The last `count` lines of a text that hold anything. */
export function lastLines(text: string, count: number): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-count).join('\n');
}

/** Where a program lies on PATH (sbin folders included, since users often lack them), or undefined. */
export async function which(program: string): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    const path = `${folder}/${program}`;
    if (folder !== '' && (await isProgram(path))) return path;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  const { access, constants, stat } = await import('node:fs/promises');
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile(); // a folder can be entered, which is the same right
  } catch {
    return false;
  }
}
