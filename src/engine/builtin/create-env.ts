import { createHash, randomUUID } from 'node:crypto';
import { UserError } from '../../platform/errors.ts';
import type { CreateEnvOptions, DeploySource, EngineContext } from '../engine.ts';
import { StateFile, type StemcellRecord } from '../state-file.ts';
import { isCloudError } from './cloud.ts';
import { type Deployment, openDeployment, readManifest } from './deployment.ts';
import { updateDisks } from './disks.ts';
import { startMachine } from './jobs.ts';
import { type MachinePlan, machinePlanFrom } from './manifest/index.ts';
import { vmMetadata } from './metadata.ts';
import { deleteCurrentVm } from './shut-down.ts';
import { StemcellArchive } from './stemcell-archive.ts';
import { deleteStemcell, ensureStemcell, replaceStemcell, type StemcellSource } from './stemcells.ts';

const agentTimeoutMs = 10 * 60_000;
/** Older agents learn of their disks from a registry, which nobody runs any more (contract 1.2). */
const oldestApiVersion = 2;

/** All that a deploy is made from. */
interface Work {
  readonly deployment: Deployment;
  readonly plan: MachinePlan;
  readonly stemcell: StemcellSource;
}

/**
 * Brings the machine to what the manifest says. Nothing changed and the VM is there: no call but has_vm. Every step is in
 * the state file before the next, so that a run after a kill goes on from there.
 */
export async function createEnv(
  source: DeploySource,
  context: EngineContext,
  options: CreateEnvOptions,
): Promise<{ changed: boolean }> {
  context.onProgress('reading the manifest');
  const { manifest, text } = await readManifest(source);
  const plan = machinePlanFrom(manifest, source.manifestPath);
  const stemcell = await openStemcell(plan, context.signal);
  const state = await StateFile.open(source.statePath);
  const deployment = await openDeployment(manifest, state, stemcell.facts.apiVersion, context);
  const manifestSha = createHash('sha512').update(text).digest('hex');
  if (!options.recreate && (await isDeployed(deployment, stemcell, manifestSha))) return { changed: false };
  await deploy({ deployment, plan, stemcell }, manifestSha);
  return { changed: true };
}

async function openStemcell(plan: MachinePlan, signal: AbortSignal): Promise<StemcellSource> {
  const { path, digest } = plan.stemcell;
  const archive = new StemcellArchive(path, digest, signal);
  const facts = await archive.facts();
  if (facts.apiVersion >= oldestApiVersion) return { archive, facts };
  throw new UserError(
    'UNSUPPORTED',
    `The stemcell ${path} has api_version ${facts.apiVersion}; create-env needs ${oldestApiVersion} or newer`,
    { hints: ['take a newer stemcell'] },
  );
}

async function isDeployed(
  { state, cloud }: Deployment,
  { facts }: StemcellSource,
  manifestSha: string,
): Promise<boolean> {
  const { current_manifest_sha: deployed, current_vm_cid: vm } = state.state;
  const current = state.currentStemcell;
  if (deployed !== manifestSha || current?.name !== facts.name || current.version !== facts.version)
    return false;
  // bosh would not look; but a VM that somebody deleted is no deployment
  return vm !== '' && (await cloud.hasVm(vm));
}

async function deploy(work: Work, manifestSha: string): Promise<void> {
  const { deployment, plan } = work;
  const { state, agent, context } = deployment;
  const stemcell = await ensureStemcell(deployment, work.stemcell);
  // from here on the machine is not what any manifest says
  await state.change({ current_manifest_sha: '', current_release_ids: [], releases: [] });
  await deleteCurrentVm(deployment, false);
  const vm = await createVm(work, stemcell);
  context.onProgress(`VM ${vm} starts; waiting for its agent`);
  await agent.ping({ timeoutMs: agentTimeoutMs, signal: context.signal });
  await updateDisks(deployment, plan, vm);
  await startMachine(deployment, plan);
  await state.change({ current_manifest_sha: manifestSha });
  for (const old of state.stemcells)
    if (old.id !== state.currentStemcell?.id) await deleteStemcell(deployment, old);
}

/** Makes the VM and writes its CID down before anything else. */
async function createVm(work: Work, stemcell: StemcellRecord): Promise<string> {
  const { deployment, plan } = work;
  const { state, cloud, context } = deployment;
  context.onProgress('creating the VM');
  const { cid, from } = await askForVm(work, stemcell);
  await state.change({ current_vm_cid: cid });
  await cloud.setVmMetadata(cid, vmMetadata(plan, new Date()));
  await state.change({ current_stemcell_id: from.id });
  return cid;
}

/** The stemcell may have been deleted behind our back: bosh would fail, we upload it once more. */
async function askForVm(
  { deployment, plan, stemcell: source }: Work,
  stemcell: StemcellRecord,
): Promise<{ cid: string; from: StemcellRecord }> {
  const request = {
    agentId: randomUUID(),
    cloudProperties: plan.vmCloudProperties,
    networks: plan.networks,
    disks: deployment.state.disks.map((disk) => disk.cid),
    env: plan.env,
  };
  try {
    return { cid: await deployment.cloud.createVm({ ...request, stemcell: stemcell.cid }), from: stemcell };
  } catch (error) {
    if (!isCloudError(error, 'StemcellNotFound')) throw error;
    const from = await replaceStemcell(deployment, stemcell, source);
    return { cid: await deployment.cloud.createVm({ ...request, stemcell: from.cid }), from };
  }
}
