import { messageOf, ToolError } from '../../platform/errors.ts';
import { lastLines } from '../../platform/process.ts';
import { waitFor } from '../../platform/retry.ts';
import { agentOf } from '../credentials.ts';
import type { EnvironmentRecord } from '../record.ts';
import { openBackend, requireVm } from '../session.ts';
import type { Caller } from '../steps/step.ts';
import { askDirector, type DirectorInfo } from './ask-director.ts';

/** The director's database is migrated before it answers, which takes minutes under emulation. */
const usualTimeoutMs = 15 * 60_000;
const intervalMs = 1_000;
const consoleLines = 8;

/** Asks until the director answers. Throws a ToolError DIRECTOR with what agent and console say of the machine. */
export async function waitForDirector(
  record: EnvironmentRecord,
  caller: Pick<Caller, 'log' | 'signal'>,
  say: (line: string) => void,
  timeoutMs = usualTimeoutMs,
): Promise<DirectorInfo> {
  const { signal } = caller;
  let last = '';
  const ask = async (): Promise<DirectorInfo | undefined> => {
    try {
      return await askDirector(record, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ToolError)) throw error;
      if (last !== error.message) say(`not yet: ${error.message}`);
      last = error.message;
      return undefined;
    }
  };
  const info = await waitFor(ask, { timeoutMs, intervalMs, signal });
  if (info) return info;
  const known = [await agentsWord(record, caller), await consoleTail(record, caller)];
  throw new ToolError(
    'DIRECTOR',
    [`The director did not answer within ${timeoutMs / 1000} s: ${last}`, ...known].join('\n'),
    {
      hints: [
        `what of it runs: boshvirt ssh ${record.name} -- sudo /var/vcap/bosh/bin/monit summary`,
        `its own words: boshvirt logs ${record.name} --source director`,
        `boshvirt up ${record.name} goes on waiting`,
      ],
    },
  );
}

async function agentsWord(record: EnvironmentRecord, { log }: Pick<Caller, 'log'>): Promise<string> {
  try {
    const { job_state: state } = await (await agentOf(record, log)).getState();
    return `The machine's agent answers; it calls the machine '${state}'.`;
  } catch (error) {
    return `The machine's agent does not answer: ${messageOf(error)}`;
  }
}

async function consoleTail(record: EnvironmentRecord, { log }: Pick<Caller, 'log'>): Promise<string> {
  try {
    await using backend = await openBackend(record, log);
    let text = '';
    for await (const chunk of backend.ground.consoleLog(await requireVm(record.name)))
      text = `${text}${Buffer.from(chunk).toString('utf8')}`.slice(-10_000);
    return `The end of its console:\n${lastLines(text, consoleLines)}`;
  } catch (error) {
    return `Its console cannot be read: ${messageOf(error)}`;
  }
}
