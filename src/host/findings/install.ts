import { readFile, rm, writeFile } from 'node:fs/promises';
import { errnoOf, messageOf, ToolError, UserError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { commandLine, run, which } from '../../platform/process.ts';
import { pause } from '../../platform/retry.ts';

interface InstallOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

const timeoutMs = 20 * 60_000;
const lockWaitSeconds = 300;
const attempts = 3;
/** Of apt-get's hundreds of lines, those that say how far it is. */
const milestone = /^\s*(Need to get|Fetched|\d+ upgraded)/;
const policyPath = '/usr/sbin/policy-rc.d';
/** No questions, and messages in the language that we read them in. */
const quiet = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

const installArgv = (packages: readonly string[]): [string, ...string[]] => [
  'apt-get',
  'install',
  '--yes',
  '--no-install-recommends',
  '--quiet',
  '-o',
  'Dpkg::Use-Pty=0', // else dpkg counts percents
  '-o',
  `DPkg::Lock::Timeout=${lockWaitSeconds}`,
  ...packages,
];

/** The one command that a person without root asks an administrator for. */
export function installCommand(packages: readonly string[]): string {
  return commandLine(['apt-get', 'install', '--no-install-recommends', ...packages]);
}

/**
 * Installs Debian packages. Services that they bring are not started: boshvirt starts what it needs itself. The lists are
 * fetched first where they are missing or old; a passing failure of the mirror is tried again, and an installation that was
 * killed is finished first. Throws a UserError without apt-get, a ToolError if the last attempt fails.
 */
export async function installPackages(packages: readonly string[], options: InstallOptions): Promise<void> {
  if (packages.length === 0) return;
  if (!(await which('apt-get'))) {
    throw new UserError(
      'UNSUPPORTED',
      `This machine has no apt-get; install what these Debian packages hold: ${packages.join(' ')}`,
    );
  }
  const policy = await keepServicesOff();
  try {
    await withRetries(options, async (attempt) => {
      if (attempt > 1 || !(await canInstall(packages))) await apt(['apt-get', 'update'], options);
      await apt(installArgv(packages), options);
    });
  } finally {
    await policy.restore();
  }
}

async function withRetries(options: InstallOptions, act: (attempt: number) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await act(attempt);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      if (attempt === attempts || !(error instanceof ToolError)) throw error;
      options.log.warn(`attempt ${attempt}: ${messageOf(error)}`);
      if (wasInterrupted(error)) await apt(['dpkg', '--configure', '-a'], options);
      await pause(attempt * 3_000, options.signal);
    }
  }
}

/** apt's advice, where an earlier run of dpkg was killed. */
const wasInterrupted = ({ output }: ToolError): boolean => output.includes('dpkg --configure -a');

/** false where the lists are missing or do not know the packages. */
async function canInstall(packages: readonly string[]): Promise<boolean> {
  const argv = ['apt-get', 'install', '--simulate', ...packages] as [string, ...string[]];
  const { exitCode } = await run(argv, { okExitCodes: [100], env: quiet, failure: 'PREFLIGHT' });
  return exitCode === 0;
}

/** Comes to its end even if we are interrupted: a dpkg that is killed leaves a machine that somebody has to mend. */
async function apt(
  argv: readonly [string, ...string[]],
  { log, signal, onLine }: InstallOptions,
): Promise<void> {
  signal.throwIfAborted();
  const note = () => onLine('interrupted: apt-get comes to its end first');
  signal.addEventListener('abort', note, { once: true });
  using _ = { [Symbol.dispose]: () => signal.removeEventListener('abort', note) };
  await run(argv, {
    timeoutMs,
    ownGroup: true,
    onLine: (line) => {
      log.debug(`apt-get: ${line}`);
      if (milestone.test(line)) onLine(line.trim());
    },
    env: quiet,
    failure: 'PREFLIGHT',
  });
  signal.throwIfAborted();
}

/** Debian asks this program before it starts a service (status 101: do not). One that is there already stays. */
async function keepServicesOff(): Promise<{ restore(): Promise<void> }> {
  const ours = '#!/bin/sh\n# boshvirt: no services while packages are installed\nexit 101\n';
  const there = await readFile(policyPath, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (there !== undefined && there !== ours) return { restore: async () => {} };
  await writeFile(policyPath, ours, { mode: 0o755 });
  return { restore: async () => await rm(policyPath, { force: true }) };
}
