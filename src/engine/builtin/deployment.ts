import { join } from 'node:path';
import { messageOf } from '../../platform/errors.ts';
import { writeFileAtomic } from '../../platform/files.ts';
import { AgentClient } from '../agent-client/index.ts';
import { CpiCallError, CpiClient } from '../cpi-client.ts';
import { cpiConfigFrom } from '../cpi-config.ts';
import type { DeploySource, EngineContext, JsonValue } from '../engine.ts';
import { StateFile } from '../state-file.ts';
import { type NodeMap, renderManifest } from '../template/index.ts';
import { type MachinePlan, planFrom } from './manifest.ts';

/** What both commands work with: the plan, bosh's state, the CPI, the agent. */
export interface Deployment {
  readonly plan: MachinePlan;
  readonly manifestText: string;
  readonly state: StateFile;
  readonly cpi: CpiClient;
  readonly agent: AgentClient;
  readonly context: EngineContext;
}

const stemcellApiVersion = 3;
/** How long an agent that may be dead is waited for before its VM is deleted (contract 5.2). */
const deadAgentMs = 10_000;

/** Renders the manifest and makes everything ready for the first CPI call; nothing outside of `workDir` is touched. */
export async function openDeployment(source: DeploySource, context: EngineContext): Promise<Deployment> {
  const vars = { boshvirt_cpi_release_url: 'none', boshvirt_cpi_release_sha1: 'none', ...source.vars };
  const { manifest, text } = await renderManifest({ ...source, vars });
  const plan = planFrom(manifest);
  const state = await StateFile.open(source.statePath);
  const cpi = await openCpi(plan, state, context);
  const agent = new AgentClient({ mbus: plan.mbus, ca: plan.ca, road: context.road, log: context.log });
  return { plan, manifestText: text, state, cpi, agent, context };
}

async function openCpi(plan: MachinePlan, state: StateFile, context: EngineContext): Promise<CpiClient> {
  const configPath = join(context.workDir, 'cpi.json');
  await writeFileAtomic(configPath, JSON.stringify(cpiConfigFrom(plan.cpiProperties), null, 2));
  return new CpiClient({
    command: [...context.boshvirtCommand, 'cpi', '--config', configPath],
    directorUuid: state.state.director_id,
    stemcellApiVersion,
    logPath: context.logPath,
    secrets: [new URL(plan.mbus).password, ...textsIn(plan.env)],
    signal: context.signal,
  });
}

/** Every longer text in a tree: keys and passwords among them. */
function textsIn(node: unknown): string[] {
  if (typeof node === 'string') return node.length >= 16 ? [node] : [];
  if (typeof node !== 'object' || node === null) return [];
  return Object.values(node).flatMap(textsIn);
}

/** Stops what runs on the machine and lets go of its disks; an agent that does not answer soon is given up. */
export async function quietDown({ agent, context }: Deployment): Promise<void> {
  try {
    await agent.ping({ timeoutMs: deadAgentMs, signal: context.signal });
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.info(`the agent is not waited for any longer: ${messageOf(error)}`);
    return;
  }
  await agent.runScript('pre-stop');
  await agent.drain();
  await agent.stop();
  await agent.runScript('post-stop');
  for (const cid of await agent.listDisk()) await agent.unmountDisk(cid);
}

/** Deletes the current VM, if there is one; the state forgets it at once. */
export async function deleteCurrentVm(deployment: Deployment): Promise<void> {
  const { state, cpi, context } = deployment;
  const cid = state.state.current_vm_cid;
  if (cid === '') return;
  if ((await cpi.call('has_vm', [cid])) === true) {
    context.onProgress('stopping the machine');
    await quietDown(deployment);
  }
  context.onProgress(`deleting VM ${cid}`);
  await unlessNotFound(cpi.call('delete_vm', [cid]));
  await state.change({ current_vm_cid: '' });
}

/** What was to be deleted and is not there is deleted. */
export async function unlessNotFound(call: Promise<JsonValue>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof CpiCallError && /(VM|Disk|Stemcell)NotFound$/.test(error.type))) throw error;
  }
}

/** bosh's metadata for the VM and its disks. */
export function metadataOf(plan: MachinePlan): NodeMap {
  return { ...plan.tags, deployment: plan.deployment, director: 'bosh-init', instance_group: plan.group };
}

export const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');
