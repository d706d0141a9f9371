import type { Ground, VmCid } from '../../cpi/backend.ts';
import type { AgentClient } from '../../engine/agent-client/index.ts';
import { BoshvirtError, messageOf } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { waitFor } from '../../platform/retry.ts';
import { agentOf } from '../credentials.ts';
import type { EnvironmentRecord } from '../record.ts';
import { currentVm, openBackend } from '../session.ts';
import type { Caller } from '../steps/step.ts';

/** As long as bosh would wait for it. */
const pingTimeoutMs = 10_000;
const timeouts = { timeoutMs: 180_000, intervalMs: 1_000 };

/**
 * Shuts down the machine of a lite environment that bosh is about to replace. Its containers keep their files on the persistent
 * disk, so that the agent cannot unmount it, at which bosh gives up; of a machine that is off bosh asks nothing. (Upstream has the
 * job disable_agent for it, with which no machine comes back from a reboot.) false: it did not have to be, or could not be asked.
 */
export async function clearTheWay(
  record: EnvironmentRecord,
  { log, signal }: Pick<Caller, 'log' | 'signal'>,
  say: (line: string) => void,
): Promise<boolean> {
  const vm = record.profile === 'lite' ? await currentVm(record.name) : undefined;
  if (vm === undefined) return false;
  await using backend = await openBackend(record, log);
  const agent = async () => await agentOf(record, log);
  return await shutDownByAgent(vm, { agent, ground: backend.ground, log, signal, say });
}

/** A guest that cannot be asked, or does not go, is left to bosh; true: it was asked. */
export async function shutDownByAgent(
  vm: VmCid,
  parts: {
    /** Throws if its secrets are lost. */
    agent(): Promise<Pick<AgentClient, 'ping' | 'shutDown'>>;
    readonly ground: Pick<Ground, 'inventory'>;
    readonly log: Log;
    readonly signal: AbortSignal;
    say(line: string): void;
  },
): Promise<boolean> {
  const { ground, log, signal, say } = parts;
  const isRunning = async (): Promise<boolean> =>
    (await ground.inventory()).vms.some(({ cid, state }) => cid === vm && state === 'running');
  if (!(await isRunning())) return false;
  say('shutting the old machine down, with its containers');
  try {
    const agent = await parts.agent();
    await agent.ping({ timeoutMs: pingTimeoutMs, signal });
    await agent.shutDown();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof BoshvirtError)) throw error;
    log.info(`${vm} was not shut down: ${messageOf(error)}`);
    return false;
  }
  const isOff = async () => ((await isRunning()) ? undefined : true);
  if (!(await waitFor(isOff, { ...timeouts, signal })))
    log.warn(`${vm} did not shut down within ${timeouts.timeoutMs / 1000} s`);
  return true;
}
