import { messageOf, ToolError } from '../../platform/errors.ts';
import { pause, waitFor } from '../../platform/retry.ts';
import { type AgentClient, AgentUnreachable } from '../agent-client/index.ts';
import type { JsonValue } from '../engine.ts';
import type { Deployment } from './deployment.ts';
import type { MachinePlan } from './manifest/index.ts';

const lookIntervalMs = 1_000;

/** Tells the agent what the machine is, and starts it: bosh's steps, with a specification that names no job. */
export async function startMachine({ agent, context }: Deployment, plan: MachinePlan): Promise<void> {
  const specification = applySpecification(plan);
  context.onProgress('telling the agent what the machine is');
  // the first time for the networks: bosh renders jobs with the addresses that the agent reports after it
  await agent.apply(specification);
  await agent.getState();
  await agent.stop();
  await agent.apply(specification);
  await agent.runScript('pre-start');
  context.onProgress('starting the machine');
  await agent.start();
  await waitUntilRunning(agent, plan, context.signal);
  await agent.runScript('post-start');
}

function applySpecification(plan: MachinePlan): JsonValue {
  return {
    deployment: plan.deployment,
    name: plan.group,
    index: 0,
    id: '0',
    az: 'unknown',
    packages: {},
    networks: plan.networks,
    job: { name: plan.group, templates: [] },
    rendered_templates_archive: { blobstore_id: '', sha1: '' },
    configuration_hash: 'unused-configuration-hash',
  };
}

async function waitUntilRunning(agent: AgentClient, plan: MachinePlan, signal: AbortSignal): Promise<void> {
  const { startMs, endMs } = plan.watchTime;
  await pause(startMs, signal);
  let last = 'nothing';
  const look = async (): Promise<true | undefined> => {
    try {
      const { job_state: state } = await agent.getState();
      last = `state '${state}'`;
      return state === 'running' ? true : undefined;
    } catch (error) {
      if (!(error instanceof AgentUnreachable)) throw error;
      last = messageOf(error);
      return undefined;
    }
  };
  if (await waitFor(look, { timeoutMs: endMs - startMs, intervalMs: lookIntervalMs, signal })) return;
  throw new ToolError(
    'CREATE_ENV',
    `The machine did not run within ${endMs / 1000} s; the agent's last word: ${last}`,
    {
      hints: [
        'boshvirt logs --source agent shows what it does',
        'update/update_watch_time in the manifest sets the time',
      ],
    },
  );
}
