import { ToolError } from '../platform/errors.ts';
import { waitFor } from '../platform/retry.ts';
import { type DirectorBosh, directorBosh } from './director/index.ts';
import type { EnvironmentRecord } from './record.ts';
import type { Recovered } from './recovered.ts';
import type { Caller } from './steps/step.ts';

/** Its jobs start one after the other once its agent answers. */
const startTimeoutMs = 10 * 60_000;
const lookTimeoutMs = 30_000;

/**
 * Waits until the director answers, and looks at its deployments' VMs; with `cloudCheck` the director mends what does not answer.
 * Throws a ToolError DIRECTOR with its last words if it does not come up.
 */
export async function recoverDirector(
  record: EnvironmentRecord,
  cloudCheck: boolean,
  caller: Pick<Caller, 'log' | 'signal'>,
  say: (line: string) => void,
): Promise<Recovered[]> {
  const bosh = await directorBosh(record, caller);
  const ready = await waitForDirector(bosh, caller, say);
  const report: Recovered[] = [
    {
      part: 'director',
      name: record.network.ip,
      found: ready === 'at once' ? 'answers' : 'silent',
      done: ready === 'at once' ? undefined : 'waited for it',
    },
  ];
  for (const { name = '' } of await bosh.rows(['deployments'])) {
    const vms = await bosh.rows(['-d', name, 'vms']);
    const silent = vms.filter(({ process_state: state }) => state !== 'running').length;
    const found = silent === 0 ? `${vms.length} VMs run` : `${silent} of ${vms.length} VMs do not run`;
    const mends = silent > 0 && cloudCheck;
    if (mends) await bosh.run(['-d', name, 'cloud-check', '--auto'], { onLine: say });
    report.push({ part: 'deployment', name, found, done: mends ? 'cloud-check --auto' : undefined });
  }
  return report;
}

async function waitForDirector(
  bosh: DirectorBosh,
  { signal }: Pick<Caller, 'signal'>,
  say: (line: string) => void,
): Promise<'at once' | 'later'> {
  let last: unknown;
  let tries = 0;
  const isUp = await waitFor(
    async () => {
      tries++;
      try {
        await bosh.run(['environment'], { timeoutMs: lookTimeoutMs });
        return true;
      } catch (error) {
        if (!(error instanceof ToolError)) throw error;
        last = error;
        say('it does not answer yet');
        return undefined;
      }
    },
    { timeoutMs: startTimeoutMs, intervalMs: 5_000, signal },
  );
  if (!isUp) throw last;
  return tries === 1 ? 'at once' : 'later';
}
