import { mkdir } from 'node:fs/promises';
import { type ServeOptions, type Serving, startServing } from '../../cpi/serve/index.ts';
import { insideNetns, isInsideNetns } from '../../host/private-host/index.ts';
import { errnoOf, UserError } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { becomeProgram } from '../../platform/process.ts';
import { waitFor } from '../../platform/retry.ts';
import { environmentPaths } from '../paths.ts';
import { type EnvironmentRecord, requireRecord } from '../record.ts';
import { hostRuns, networkNamespaceOf } from '../session.ts';
import type { Caller } from '../steps/step.ts';
import { cpiServerPaths } from './paths.ts';
import { cpiServerUrl, serveOptions } from './serve-options.ts';
import { registerServer } from './server-process.ts';

/** After a reboot libvirt may take its time to bring the network up; the server is there once that is. */
const networkTimeoutMs = 10 * 60_000;
const lookIntervalMs = 1_000;

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
  const serving = await serveOnceThere({ ...(await serveOptions(record)), log: caller.log }, caller);
  await using _registered = await registerServer(name);
  caller.tell(`The CPI is served at ${cpiServerUrl(record)}; its log is ${paths.audit}`);
  await fired(caller.signal);
  await serving.close();
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

async function serveOnceThere(
  options: ServeOptions,
  { signal, tell }: Pick<Caller, 'signal' | 'tell'>,
): Promise<Serving> {
  let told = false;
  const attempt = async (): Promise<Serving | undefined> => {
    try {
      return await startServing(options);
    } catch (error) {
      const cause = error instanceof UserError ? error.cause : undefined;
      if (errnoOf(cause) !== 'EADDRNOTAVAIL') throw error;
      if (!told) tell(`Waiting for the network of ${options.address}`);
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

async function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
