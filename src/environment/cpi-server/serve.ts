import { mkdir } from 'node:fs/promises';
import { type ServeOptions, type Serving, startServing } from '../../cpi/serve/index.ts';
import { insideNetns, isInsideNetns } from '../../host/private-host/index.ts';
import { errnoOf, UserError } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { becomeProgram, run } from '../../platform/process.ts';
import { pause, waitFor } from '../../platform/retry.ts';
import { environmentPaths } from '../paths.ts';
import { type EnvironmentRecord, requireRecord } from '../record.ts';
import { hostRuns, networkNamespaceOf } from '../session.ts';
import type { Caller } from '../steps/step.ts';
import { cpiServerPaths } from './paths.ts';
import { cpiServerUrl, serveOptions } from './serve-options.ts';
import { registerServer, serverProcess } from './server-process.ts';

/** After a reboot libvirt may take its time to bring the network up; the server is there once that is. */
const networkTimeoutMs = 10 * 60_000;
const lookIntervalMs = 500;
const portAttempts = 3;
const lookAroundMs = 30_000;

/**
 * Serves the CPI to the environment's director until the signal fires, then ends when the last call has. With a private host
 * this process goes into its network namespace first, which is by becoming `argv` there. Throws LOCKED if it is served already.
 */
export async function serveCpi(
  name: string,
  argv: readonly string[],
  caller: Pick<Caller, 'log' | 'signal' | 'tell'>,
): Promise<void> {
  const record = await requireRecord(name);
  process.chdir('/'); // a server must not keep a file system busy
  await enterNamespace(record, argv, caller);
  const paths = cpiServerPaths(name);
  await mkdir(environmentPaths(name).logs, { recursive: true, mode: 0o700 });
  await using _lock = await takeLock(paths.lock, 0, `boshvirt cpi serve ${name}`);
  await using _registered = await registerServer(name); // before it is up: whoever wants to end it has to find it
  const options = await serveOptions(record);
  await tryCpi(options, caller.signal);
  const serving = await serveOnceThere({ ...options, log: caller.log }, caller);
  caller.tell(`The CPI is served at ${cpiServerUrl(record)}; its log is ${paths.audit}`);
  try {
    await untilUnwanted(record, caller.signal);
  } finally {
    await serving.close();
  }
}

/**
 * A first call before any director's: one that cannot be started is told of here, and what starts calls is loaded while its
 * files are those of this version.
 */
async function tryCpi({ command }: Pick<ServeOptions, 'command'>, signal: AbortSignal): Promise<void> {
  await run(command, { input: '{"method":"info","arguments":[]}', failure: 'CPI', signal });
}

async function enterNamespace(
  record: EnvironmentRecord,
  argv: readonly string[],
  { signal, tell }: Pick<Caller, 'signal' | 'tell'>,
): Promise<void> {
  const netns = networkNamespaceOf(record);
  if (netns === undefined) return;
  if (!(await hostRuns(record))) tell('Waiting for the private libvirt host');
  const isUp = async () => ((await hostRuns(record)) ? true : undefined);
  const wait = { timeoutMs: networkTimeoutMs, intervalMs: lookIntervalMs, signal };
  if (!(await waitFor(isUp, wait))) throw notUp('private libvirt host', record.name);
  if (await isInsideNetns(netns)) return;
  const [program = '', ...words] = insideNetns(netns, argv);
  await becomeProgram([program, ...words]);
}

/** Waits for the address, and a moment for the port: a server that was killed just now holds it until its last thread is gone. */
async function serveOnceThere(
  options: ServeOptions,
  { signal, tell }: Pick<Caller, 'signal' | 'tell'>,
): Promise<Serving> {
  let told = false;
  let attempts = 0;
  const attempt = async (): Promise<Serving | undefined> => {
    try {
      attempts += 1;
      return await startServing(options);
    } catch (error) {
      const why = error instanceof UserError ? errnoOf(error.cause) : undefined;
      if (why !== 'EADDRNOTAVAIL' && !(why === 'EADDRINUSE' && attempts <= portAttempts)) throw error;
      if (why === 'EADDRNOTAVAIL' && !told) tell(`Waiting for the network of ${options.address}`);
      told = true;
      return undefined;
    }
  };
  const wait = { timeoutMs: networkTimeoutMs, intervalMs: lookIntervalMs, signal };
  const serving = await waitFor(attempt, wait);
  if (serving) return serving;
  throw notUp('network', options.address);
}

const notUp = (what: string, which: string): UserError =>
  new UserError('HYPERVISOR', `The ${what} of ${which} did not come up`, {
    hints: ['boshvirt up brings the environment back, its CPI server too'],
  });

/**
 * Waits for the signal. Throws if the environment was deleted without its server, or if its private host was started anew: in the
 * network of the old one nobody is left.
 */
async function untilUnwanted(record: EnvironmentRecord, signal: AbortSignal): Promise<void> {
  const netns = networkNamespaceOf(record);
  while (!signal.aborted) {
    await pause(lookAroundMs, signal).catch(() => {}); // the signal is what the loop looks at
    if (signal.aborted) return;
    if ((await serverProcess(record.name)) !== process.pid) await requireRecord(record.name);
    if (netns !== undefined && (await hostRuns(record)) && !(await isInsideNetns(netns)))
      throw new UserError('TEMPORARY', `The private libvirt host of '${record.name}' was started anew`, {
        hints: [`boshvirt recover ${record.name} starts the CPI server there too`],
      });
  }
}
