import { createReadStream } from 'node:fs';
import type { Log } from '../platform/log.ts';
import { run } from '../platform/process.ts';
import { engineLogPath } from './deploy.ts';
import { type EnvironmentRecord, requireRecord } from './record.ts';
import { openBackend, requireVm } from './session.ts';
import { sshArgv } from './ssh.ts';

export const logSources = ['console', 'agent', 'cpi'] as const;
export type LogSource = (typeof logSources)[number];

/**
 * The text of one of the environment's logs, as a stream: the VM's serial console (also of a VM that is off), the agent's
 * log out of the running guest, or what create-env and the CPI said on this machine.
 */
export async function* readLog(name: string, source: LogSource, log: Log): AsyncGenerator<Uint8Array> {
  const record = await requireRecord(name);
  if (source === 'cpi') yield* createReadStream(engineLogPath(name)) as AsyncIterable<Uint8Array>;
  else if (source === 'console') yield* consoleOf(record, log);
  else yield await agentLog(record);
}

async function* consoleOf(record: EnvironmentRecord, log: Log): AsyncGenerator<Uint8Array> {
  await using backend = await openBackend(record, log);
  yield* backend.ground.consoleLog(await requireVm(record.name));
}

/** runit keeps the agent's log in `current`; readable for root alone, hence sudo. */
async function agentLog(record: EnvironmentRecord): Promise<Uint8Array> {
  const argv = await sshArgv(record.name, ['sudo', '-n', 'cat', '/var/vcap/bosh/log/current']);
  const { stdout } = await run(argv, { timeoutMs: 60_000 });
  return Buffer.from(stdout);
}
