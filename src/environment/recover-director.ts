import { ToolError } from '../platform/errors.ts';
import { clockCommand } from './clock.ts';
import { askDirector, directorBosh, waitForDirector, waitForLogin } from './director/index.ts';
import type { EnvironmentRecord } from './record.ts';
import type { Recovered } from './recovered.ts';
import type { Caller } from './steps/step.ts';

type Asking = Pick<Caller, 'log' | 'signal'>;

/** Waits until the director answers. Throws a ToolError DIRECTOR with what there is to know if it does not come up. */
export async function recoverDirector(
  record: EnvironmentRecord,
  caller: Asking,
  say: (line: string) => void,
): Promise<Recovered> {
  const facts = { part: 'director', name: record.network.ip } as const;
  if (await answers(record, caller)) return { ...facts, found: 'answers', done: undefined };
  await waitForDirector(record, caller, say);
  return { ...facts, found: 'silent', done: 'waited for it' };
}

async function answers(record: EnvironmentRecord, { signal }: Asking): Promise<boolean> {
  try {
    await askDirector(record, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ToolError)) throw error;
    return false;
  }
}

/**
 * What the director says of each deployment's VMs; with `cloudCheck` it mends those that do not run: containers in a lite environment do
 * not outlive the machine's start. Throws PREFLIGHT without a bosh CLI, a ToolError DIRECTOR for what it cannot mend.
 */
export async function recoverDeployments(
  record: EnvironmentRecord,
  cloudCheck: boolean,
  caller: Asking,
  say: (line: string) => void,
): Promise<Recovered[]> {
  const bosh = await directorBosh(record, caller);
  const report: Recovered[] = [];
  for (const { name = '' } of await waitForLogin(bosh, caller, say)) {
    const vms = await bosh.rows(['-d', name, 'vms']);
    const silent = vms.filter(({ process_state: state }) => state !== 'running').length;
    const found = silent === 0 ? `${vms.length} VMs run` : `${silent} of ${vms.length} VMs do not run`;
    const mends = silent > 0 && cloudCheck;
    say(`${name}: ${found}`);
    if (mends) await bosh.run(['-d', name, 'cloud-check', '--auto'], { onLine: say });
    report.push({ part: 'deployment', name, found, done: mends ? 'bosh cloud-check --auto' : undefined });
  }
  return report;
}

const sshTimeoutMs = 120_000;

/** Sets the clocks of all deployments' VMs, which have slept, by the director's ssh. Who cannot be told goes on with a late one. */
export async function setDeploymentClocks(
  record: EnvironmentRecord,
  { log, signal }: Asking,
  say: (line: string) => void,
): Promise<Recovered[]> {
  const bosh = await directorBosh(record, { log, signal });
  const report: Recovered[] = [];
  for (const { name = '' } of await waitForLogin(bosh, { signal }, say)) {
    say(`${name}: setting its VMs' clocks`);
    const isSet = await bosh
      .run(['-d', name, 'ssh', '-c', clockCommand()], { timeoutMs: sshTimeoutMs })
      .then(() => true)
      .catch((error: unknown) => {
        if (!(error instanceof ToolError)) throw error;
        log.warn(`the clocks of deployment '${name}' may be late: ${error.message}`);
        return false;
      });
    report.push({ part: 'clock', name, found: 'late', done: isSet ? 'set' : undefined });
  }
  return report;
}
