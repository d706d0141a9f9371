import { messageOf } from '../../platform/errors.ts';
import { type AgentClient, AgentDistrusted, AgentRefused, AgentUnreachable } from '../agent-client/index.ts';
import type { Deployment } from './deployment.ts';

/** How long an agent that may be dead is waited for before its VM is deleted (contract 5.2). */
const deadAgentMs = 10_000;

/**
 * Deletes the current VM, if the state names one; persistent disks stay. With `ofNoMoreUse` the machine's data go as well,
 * so that an agent which fails to stop its jobs or to unmount its disks holds nothing up.
 */
export async function deleteCurrentVm(deployment: Deployment, ofNoMoreUse: boolean): Promise<void> {
  const { state, cloud, context } = deployment;
  const cid = state.state.current_vm_cid;
  if (cid === '') return;
  if (await cloud.hasVm(cid)) await shutDown(deployment, ofNoMoreUse);
  context.onProgress(`deleting VM ${cid}`);
  // a VM that is not there may have left something behind: bosh deletes it all the same
  await cloud.deleteVm(cid);
  await state.change({ current_vm_cid: '', current_stemcell_id: '' });
}

/** Stops what runs on the machine and lets go of its disks. An agent that does not answer is given up. */
async function shutDown({ agent, context }: Deployment, ofNoMoreUse: boolean): Promise<void> {
  const { signal, log, onProgress } = context;
  onProgress('stopping the machine');
  try {
    await agent.ping({ timeoutMs: deadAgentMs, signal });
    await stopJobs(agent);
  } catch (error) {
    signal.throwIfAborted();
    const dead = error instanceof AgentUnreachable || error instanceof AgentDistrusted;
    if (!dead && !(ofNoMoreUse && error instanceof AgentRefused)) throw error;
    log.info(`the agent is not waited for any longer: ${messageOf(error)}`);
    onProgress('its agent does not help; going on without it');
  }
}

async function stopJobs(agent: AgentClient): Promise<void> {
  await agent.runScript('pre-stop');
  await agent.drain();
  await agent.stop();
  await agent.runScript('post-stop');
  for (const cid of await agent.listDisk()) await agent.unmountDisk(cid);
}
