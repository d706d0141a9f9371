import { ToolError } from '../platform/errors.ts';
import { isThere, readTextIfThere } from '../platform/files.ts';
import { takeLock } from '../platform/lock.ts';
import { silentLog } from '../platform/log.ts';
import { lastLines } from '../platform/process.ts';
import { waitFor } from '../platform/retry.ts';
import { forgetServer, launchServer } from './cpi-server/launch.ts';
import { refuseFarLibvirt } from './cpi-server/needs.ts';
import { cpiServerPaths } from './cpi-server/paths.ts';
import { cpiServerUrl, serveOptions } from './cpi-server/serve-options.ts';
import { endServerProcess } from './cpi-server/server-process.ts';
import { type CpiServerState, cpiServerState } from './cpi-server/state.ts';
import type { EnvironmentRecord } from './record.ts';
import type { Caller } from './steps/step.ts';

export { needsCpiServer } from './cpi-server/needs.ts';
export { type CpiServerState, cpiServerState } from './cpi-server/state.ts';

const startTimeoutMs = 60_000;
const silenceMs = 10_000;
/** Somebody else may be waiting for calls to end. */
const changeTimeoutMs = 11 * 60_000;

/**
 * Has the CPI served to the environment's director from now on, whatever stands: nothing, a server that does not answer, one that
 * was started with other credentials or by an older boshvirt. It outlives this process and, where there is systemd, a
 * reboot. Network and credentials have to be there. Throws a ToolError with the server's own words if it does not come up.
 */
export async function startCpiServer(
  record: EnvironmentRecord,
  { log, signal }: Pick<Caller, 'log' | 'signal'>,
): Promise<CpiServerState> {
  refuseFarLibvirt(record);
  await serveOptions(record); // credentials that are not there are told of here
  await using _change = await takeLock(
    cpiServerPaths(record.name).change,
    changeTimeoutMs,
    'starting the CPI server',
  );
  const before = await settledState(record, signal);
  if (before?.state === 'running') return before;
  await endServerProcess(record.name, signal);
  const launch = await launchServer(record.name, log);
  const isUp = async () => {
    const now = await cpiServerState(record, signal);
    return now.state === 'running' || launch.hasEnded() ? now : undefined;
  };
  const state = await waitFor(isUp, { timeoutMs: startTimeoutMs, intervalMs: 100, signal });
  return state?.state === 'running' ? state : await failToStart(record);
}

/** undefined for one that stays silent: it may be on its way up, or its machine be very busy. */
async function settledState(
  record: EnvironmentRecord,
  signal: AbortSignal,
): Promise<CpiServerState | undefined> {
  const look = async () => {
    const now = await cpiServerState(record, signal);
    return now.state === 'silent' ? undefined : now;
  };
  return await waitFor(look, { timeoutMs: silenceMs, signal });
}

/** Ends the server once the calls that run have ended, and has it start no more. Idempotent. */
export async function stopCpiServer(
  { name }: Pick<EnvironmentRecord, 'name'>,
  { log = silentLog, signal }: Partial<Pick<Caller, 'log' | 'signal'>> = {},
): Promise<void> {
  const { folder, change } = cpiServerPaths(name);
  if (!(await isThere(folder))) return;
  await using _change = await takeLock(change, changeTimeoutMs, 'ending the CPI server');
  await forgetServer(name, log);
  await endServerProcess(name, signal);
}

async function failToStart(record: EnvironmentRecord): Promise<never> {
  const { output } = cpiServerPaths(record.name);
  const { state, detail } = await cpiServerState(record);
  const said = lastLines((await readTextIfThere(output)) ?? '', 10);
  const what = `The CPI server of '${record.name}' did not come up at ${cpiServerUrl(record)}`;
  throw new ToolError('HYPERVISOR', `${what} (${state}: ${detail ?? ''})${said && `:\n${said}`}`, {
    output: said,
    hints: [`run it by hand to see what it says: boshvirt cpi serve ${record.name}`],
  });
}
