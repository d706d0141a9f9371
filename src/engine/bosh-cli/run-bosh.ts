import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { errnoOf, ToolError } from '../../platform/errors.ts';
import { openGroup } from '../../platform/process.ts';
import { pause } from '../../platform/retry.ts';
import type { EngineContext } from '../engine.ts';
import { Progress } from './progress.ts';
import type { Secrets } from './secrets.ts';

type Group = ReturnType<typeof openGroup>;

export interface BoshRun {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets: Secrets;
  readonly context: EngineContext;
  /** Files that bosh writes in place, the state and the vars-store. */
  readonly writes: readonly string[];
}

export interface BoshOutcome {
  readonly exitCode: number | undefined;
  /** Without secrets. */
  readonly stderr: string;
  readonly failedStep: string | undefined;
  readonly unchanged: boolean;
}

/** How long a CPI call may go on, and bosh live, once they are to end. */
const callMs = 5 * 60_000;
const writeTries = 250;
const writeMs = 20;
const timeoutMs = 4 * 3600_000;
/** Steps in which bosh waits for a CPI call that makes or deletes something. */
const callsCpi = /^(Uploading stemcell|(Creating|Deleting|Attaching|Detaching) )/;

/**
 * Runs bosh to its end; its output goes to the log, its steps to onProgress, both without secrets. Once the signal fires,
 * bosh is ended as soon as it waits for no CPI call and writes no file: then what was made is in its state file, and no half
 * of a VM is left. Then the signal's reason is thrown.
 */
export async function runBosh({ argv, env, secrets, context, writes }: BoshRun): Promise<BoshOutcome> {
  const { signal, onProgress } = context;
  signal.throwIfAborted();
  await using log = await open(context.logPath, 'a', 0o600);
  const { lockDescriptor } = context;
  const emptyBefore = await emptyOf(writes);
  const filled = writes.filter((path) => !emptyBefore.includes(path));
  const child = openGroup(argv, {
    env,
    descriptors: lockDescriptor === undefined ? [] : [lockDescriptor],
  });
  const family = familyOf(child, argv[0]);
  const progress = new Progress((step) => onProgress(secrets.hide(step)));
  const stderr: string[] = [];
  const reading = Promise.all([
    copy(child.stdout, secrets, log, (text) => progress.read(text)),
    copy(child.stderr, secrets, log, (text) => stderr.push(text)),
  ]);
  const deadline = AbortSignal.timeout(timeoutMs);
  const ending = whenAborted(AbortSignal.any([signal, deadline]), async () => {
    onProgress('interrupted: bosh ends once its call of the CPI has come to an end');
    await endAtSafePoint(child, family, progress, filled);
  });
  const exitCode = await family.ended;
  ending.cancel();
  await ending.done;
  await reading;
  signal.throwIfAborted();
  if (deadline.aborted)
    throw new ToolError('CREATE_ENV', `bosh did not end within ${timeoutMs / 3600_000} hours`);
  const failedStep = progress.failed ?? progress.running;
  return {
    exitCode,
    stderr: secrets.hide(stderr.join('')),
    failedStep: failedStep && secrets.hide(failedStep),
    unchanged: progress.unchanged,
  };
}

interface Family {
  /** bosh's exit status; undefined if a signal ended it. Rejects if it could not be started. */
  readonly ended: Promise<number | undefined>;
  /** Resolves when all that it started have ended, too. */
  readonly gone: Promise<void>;
}

function familyOf(child: Group, program: string): Family {
  const ended = new Promise<number | undefined>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new ToolError('CREATE_ENV', `${program} cannot be started: ${error.message}`, { cause: error })),
    );
    child.once('exit', (code) => resolve(code ?? undefined));
  });
  const lifeline = child.stdio[3] as Readable;
  const gone = new Promise<void>((resolve) => lifeline.once('close', resolve).resume());
  return { ended, gone };
}

async function endAtSafePoint(
  child: Group,
  family: Family,
  progress: Progress,
  writes: readonly string[],
): Promise<void> {
  const { ended, gone } = family;
  if (callsCpi.test(progress.running ?? '')) await within(callMs, Promise.race([progress.stepEnd(), ended]));
  await endBetweenWrites(child, writes);
  // a CPI call that began just then is in a group of its own
  await within(callMs, gone);
}

/**
 * bosh empties a file and then writes it, the state after each step: an end between the two would lose all that is recorded.
 * So it is halted, looked at, and let go on if one of the files is empty.
 */
async function endBetweenWrites(child: Group, writes: readonly string[]): Promise<void> {
  for (let tries = 0; tries < writeTries; tries++) {
    signalGroup(child, 'SIGSTOP');
    await pause(writeMs);
    if ((await emptyOf(writes)).length === 0) break;
    signalGroup(child, 'SIGCONT');
    await pause(writeMs);
  }
  signalGroup(child, 'SIGKILL');
}

/** Those of the files that are there with nothing in them. */
async function emptyOf(paths: readonly string[]): Promise<string[]> {
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => undefined,
      ),
    ),
  );
  return paths.filter((_, index) => sizes[index] === 0);
}

/** Does `act` when the signal fires, unless cancelled before; `done` is over when neither is to be waited for. */
function whenAborted(signal: AbortSignal, act: () => Promise<void>) {
  let acting: Promise<void> = Promise.resolve();
  const start = () => {
    acting = act();
  };
  signal.addEventListener('abort', start, { once: true });
  if (signal.aborted) start();
  return {
    cancel: () => signal.removeEventListener('abort', start),
    get done() {
      return acting;
    },
  };
}

/** False if the time ran out first. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const timer = Promise.withResolvers<false>();
  const running = setTimeout(() => timer.resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true), timer.promise]);
  } finally {
    clearTimeout(running);
  }
}

function signalGroup({ pid }: Group, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error; // it is gone already
  }
}

/** Gives each piece to `use` as it comes, and each whole line to the log. */
async function copy(
  from: Readable | null,
  secrets: Secrets,
  log: FileHandle,
  use: (text: string) => void,
): Promise<void> {
  let rest = '';
  for await (const text of from?.setEncoding('utf8') ?? []) {
    use(text);
    const whole = (rest + text).lastIndexOf('\n') + 1;
    await log.appendFile(secrets.hide((rest + text).slice(0, whole)));
    rest = (rest + text).slice(whole);
  }
  if (rest !== '') await log.appendFile(`${secrets.hide(rest)}\n`);
}
