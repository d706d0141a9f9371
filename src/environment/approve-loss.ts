import { messageChain, UserError } from '../platform/errors.ts';
import type { EnvironmentRecord } from './record.ts';
import { currentVm, hostRuns } from './session.ts';
import { keptSnapshots, listSnapshots } from './snapshot.ts';
import type { Caller } from './steps/step.ts';

/** A new machine has none of the old one's snapshots: asks before they are lost. Throws DECLINED. */
export async function approveLoss(before: EnvironmentRecord, caller: Caller): Promise<void> {
  const lost = await snapshotsOnMachine(before, caller);
  if (lost.length === 0) return;
  const question = `The machine is made anew; its snapshots are lost: ${lost.join(', ')}. Go on?`;
  if (await caller.confirm(question, 'no')) return;
  throw new UserError('DECLINED', `Environment '${before.name}' was left as it is`);
}

/** The names of those that go with the machine. Where the hypervisor cannot be asked, those of which we keep files. */
export async function snapshotsOnMachine(
  before: EnvironmentRecord,
  { log }: Pick<Caller, 'log'>,
): Promise<string[]> {
  if (!(await hostRuns(before)) || !(await currentVm(before.name))) return await keptSnapshots(before.name);
  try {
    return (await listSnapshots(before.name, log)).map((snapshot) => snapshot.name);
  } catch (error) {
    log.info(`its snapshots cannot be listed: ${messageChain(error)}`);
    return await keptSnapshots(before.name);
  }
}
