import { rm } from 'node:fs/promises';
import { signalProcess, startTimeOf } from '../../host/private-host/processes.ts';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { waitFor } from '../../platform/retry.ts';
import { cpiServerPaths } from './paths.ts';

/** Writes down that this process is the environment's CPI server, until it is disposed of. */
export async function registerServer(name: string): Promise<AsyncDisposable> {
  const path = cpiServerPaths(name).process;
  await writeFileAtomic(path, `${process.pid} ${await startTimeOf(process.pid)}\n`);
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** The process of the environment's CPI server; undefined if none runs. */
export async function serverProcess(name: string): Promise<number | undefined> {
  const text = (await readTextIfThere(cpiServerPaths(name).process)) ?? '';
  const [pid = '', startTime = ''] = text.trim().split(' ');
  if (pid === '' || startTime === '') return undefined;
  return (await startTimeOf(Number(pid))) === startTime ? Number(pid) : undefined;
}

/** Longer than any call takes that is not stuck. */
const graceMs = 10 * 60_000;
const killedMs = 10_000;

/**
 * Asks the server's process to end and waits for it, which is for the calls that run. One that does not end in ten minutes
 * is killed: its calls are processes of their own and go on.
 */
export async function endServerProcess(name: string, signal?: AbortSignal): Promise<void> {
  for (const [kind, timeoutMs] of [
    ['SIGTERM', graceMs],
    ['SIGKILL', killedMs],
  ] as const) {
    const pid = await serverProcess(name);
    if (pid === undefined) return;
    signalProcess(pid, kind);
    const gone = async () => ((await serverProcess(name)) === undefined ? true : undefined);
    await waitFor(gone, { timeoutMs, intervalMs: 50, signal });
  }
}
