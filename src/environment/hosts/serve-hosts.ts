import { cpiServerState, needsCpiServer, startCpiServer } from '../cpi-server.ts';
import type { EnvironmentRecord } from '../record.ts';
import type { Caller } from '../steps/step.ts';

/** Lets the environment's CPI server know its hosts as they are now; one that does not run reads them when it starts. */
export async function serveHosts(
  record: EnvironmentRecord,
  caller: Pick<Caller, 'log' | 'signal'>,
): Promise<void> {
  if (!needsCpiServer(record)) return;
  const { state } = await cpiServerState(record, caller.signal);
  if (state !== 'down') await startCpiServer(record, caller);
}
