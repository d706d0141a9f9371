import { join } from 'node:path';
import { boshEnvironment, Secrets } from '../../engine/bosh-cli/index.ts';
import { ToolError } from '../../platform/errors.ts';
import { writeFileAtomic } from '../../platform/files.ts';
import { run } from '../../platform/process.ts';
import { requireBoshProgram } from '../bosh-program.ts';
import { environmentPaths } from '../paths.ts';
import type { EnvironmentRecord } from '../record.ts';
import { roadTo } from '../session.ts';
import type { Caller } from '../steps/step.ts';
import { type DirectorAccess, directorAccess } from './access.ts';

export interface BoshRunOptions {
  /** Each line that bosh says while it works, without secrets. */
  readonly onLine?: (line: string) => void;
  /** The line that bosh has begun and not ended, whenever it grows, without secrets: a step of a task, while it runs. */
  readonly onUnfinishedLine?: (line: string) => void;
  /** An hour unless said: a deployment takes its time. */
  readonly timeoutMs?: number;
  /** Instead of the signal of whoever asked for the director. */
  readonly signal?: AbortSignal;
}

/** The bosh CLI, logged in to an environment's director. */
export interface DirectorBosh {
  readonly record: EnvironmentRecord;
  /**
   * Runs `bosh <words>` to its end without asking anything, and gives its stdout, which may hold what was asked for, secrets
   * too. Throws a ToolError DIRECTOR with bosh's own words, or the signal's reason.
   */
  run(words: readonly string[], options?: BoshRunOptions): Promise<string>;
  /** The rows of the first table that `bosh <words> --json` answers with; empty without a table. */
  rows(words: readonly string[], options?: BoshRunOptions): Promise<Readonly<Record<string, string>>[]>;
}

const hourMs = 3600_000;

/**
 * The environment's director through the bosh CLI: its own HOME, credentials by variables and a file (0600), never by argv,
 * through the private host's network namespace where there is one. Throws PREFLIGHT where there is no bosh.
 */
export async function directorBosh(
  record: EnvironmentRecord,
  caller: Pick<Caller, 'log' | 'signal'>,
): Promise<DirectorBosh> {
  const { path } = await requireBoshProgram();
  const { commandPrefix } = await roadTo(record);
  const env = await loginEnvironment(record, await directorAccess(record));
  const secrets = new Secrets({
    varsStorePath: environmentPaths(record.name).credentials,
    vars: record.vars,
    varsFiles: record.varsFiles,
  });
  const runWords = async (words: readonly string[], options: BoshRunOptions = {}): Promise<string> => {
    const [program = path, ...rest] = [...commandPrefix, path, ...words];
    caller.log.debug(secrets.hide(`bosh ${words.join(' ')}`));
    const { onLine, onUnfinishedLine } = options;
    const { stdout, stderr, exitCode } = await run([program, ...rest], {
      ...{ env, cleanEnv: true, ownGroup: true, okExitCodes: [1], failure: 'DIRECTOR' },
      timeoutMs: options.timeoutMs ?? hourMs,
      signal: options.signal ?? caller.signal,
      ...(onLine ? { onLine: (line: string) => onLine(secrets.hide(line)) } : {}),
      ...(onUnfinishedLine
        ? { onText: unfinishedLines((line) => onUnfinishedLine(secrets.hide(line))) }
        : {}),
    });
    if (exitCode === 0) return stdout;
    throw refusal(words, secrets.hide(`${stderr}\n${errorsIn(stdout)}`), exitCode);
  };
  return {
    record,
    run: runWords,
    rows: async (words, options) => rowsIn(await runWords([...words, '--json'], options)),
  };
}

/** Puts pieces together, and tells what stands after the last end of a line. */
function unfinishedLines(tell: (line: string) => void): (text: string) => void {
  let line = '';
  return (text) => {
    line = (line + text).split('\n').at(-1) ?? '';
    if (line !== '') tell(line);
  };
}

async function loginEnvironment(
  record: EnvironmentRecord,
  { url, client, secret, ca }: DirectorAccess,
): Promise<Record<string, string | undefined>> {
  const { work } = environmentPaths(record.name);
  const caPath = join(work, 'director-ca.pem');
  await writeFileAtomic(caPath, ca);
  return {
    ...boshEnvironment({ workDir: work, machineIp: record.network.ip }),
    BOSH_ENVIRONMENT: url,
    BOSH_CLIENT: client,
    BOSH_CLIENT_SECRET: secret,
    BOSH_CA_CERT: caPath,
    BOSH_NON_INTERACTIVE: 'true',
  };
}

interface JsonAnswer {
  readonly Tables?: readonly { readonly Rows?: Record<string, string>[] | null }[] | null;
  readonly Lines?: readonly string[] | null;
}

function answerIn(text: string): JsonAnswer {
  try {
    return JSON.parse(text) as JsonAnswer;
  } catch {
    return {}; // without --json, or ended in the middle
  }
}

const rowsIn = (stdout: string) => answerIn(stdout).Tables?.[0]?.Rows ?? [];

/** With --json bosh says on stdout what went wrong; without, a task that failed says it there: `Task 7 | 10:00:00 | Error: …`. */
const errorsIn = (stdout: string): string =>
  (answerIn(stdout).Lines ?? stdout.split('\n').filter((line) => line.includes('| Error: '))).join('\n');

/** bosh nests what went wrong in lines, the cause last. */
function refusal(words: readonly string[], said: string, exitCode: number): ToolError {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^Exit code \d+$/.test(line));
  const [command = ''] = words;
  return new ToolError('DIRECTOR', `bosh ${command} failed: ${lines.join(' ') || 'it said nothing'}`, {
    command: `bosh ${command}`,
    exitCode,
    output: said,
    hints: ['boshvirt status tells whether the director answers', 'boshvirt exec -- bosh tasks --recent'],
  });
}
