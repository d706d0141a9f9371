import { createHash, randomUUID } from 'node:crypto';
import { ToolError } from '../../platform/errors.ts';
import { waitFor } from '../../platform/retry.ts';
import type { CreateEnvOptions, DeploySource, EngineContext, JsonValue } from '../engine.ts';
import type { StemcellRecord } from '../state-file.ts';
import {
  type Deployment,
  deleteCurrentVm,
  metadataOf,
  now,
  openDeployment,
  unlessNotFound,
} from './deployment.ts';
import { updateDisks } from './disks.ts';
import { type UnpackedStemcell, unpackStemcell } from './stemcell-image.ts';

const agentTimeoutMs = 10 * 60_000;
const runningTimeoutMs = 5 * 60_000;

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
  const deployment = await openDeployment(source, context);
  const { plan, state, cpi } = deployment;
  context.onProgress('reading the stemcell');
  await using stemcell = await unpackStemcell(plan.stemcell.path, plan.stemcell.sha1, context.workDir);
  const sha = createHash('sha256').update(deployment.manifestText).digest('hex');
  if (!options.recreate && (await isDeployed(deployment, sha, stemcell))) return { changed: false };
  const record = await uploadStemcell(deployment, stemcell);
  await state.change({ current_manifest_sha: '', releases: [], current_release_ids: [] });
  await deleteCurrentVm(deployment);
  const vm = await createVm(deployment, record);
  await deployment.agent.ping({ timeoutMs: agentTimeoutMs, signal: context.signal });
  await updateDisks(deployment, vm);
  await startJobs(deployment);
  await state.change({ current_manifest_sha: sha });
  for (const old of state.stemcells.filter((each) => each.id !== record.id)) {
    await unlessNotFound(cpi.call('delete_stemcell', [old.cid]));
    await state.change({ stemcells: state.stemcells.filter((each) => each.id !== old.id) });
  }
  return { changed: true };
}

async function isDeployed(
  { state, cpi }: Deployment,
  sha: string,
  stemcell: UnpackedStemcell,
): Promise<boolean> {
  const { current_manifest_sha: deployed, current_stemcell_id: id, current_vm_cid: vm } = state.state;
  const current = state.stemcells.find((each) => each.id === id);
  if (deployed !== sha || current?.name !== stemcell.name || current.version !== stemcell.version)
    return false;
  // bosh would not look; but a VM that somebody deleted is no deployment
  return vm !== '' && (await cpi.call('has_vm', [vm])) === true;
}

async function uploadStemcell(
  { state, cpi, context }: Deployment,
  stemcell: UnpackedStemcell,
): Promise<StemcellRecord> {
  const { name, version, apiVersion, cloudProperties, imagePath } = stemcell;
  context.onProgress(`uploading stemcell ${name}/${version}`);
  // always called, unlike bosh: the CPI finds an imported image by its content, and makes one that was deleted anew
  const cid = String(await cpi.call('create_stemcell', [imagePath, cloudProperties]));
  const known = state.stemcells.find(
    (each) => each.name === name && each.version === version && each.cid === cid,
  );
  const record = known ?? { id: randomUUID(), name, version, api_version: apiVersion, cid };
  await state.change({
    stemcells: [...state.stemcells.filter((each) => each.id !== record.id), record],
    current_stemcell_id: record.id,
  });
  return record;
}

async function createVm(
  { plan, state, cpi, context }: Deployment,
  stemcell: StemcellRecord,
): Promise<string> {
  context.onProgress('creating the VM');
  const diskCids = state.disks.map((disk) => disk.cid);
  const answer = await cpi.call('create_vm', [
    randomUUID(),
    stemcell.cid,
    plan.vmCloudProperties,
    plan.networks,
    diskCids,
    plan.env,
  ]);
  const cid = String(Array.isArray(answer) ? answer[0] : answer);
  await state.change({ current_vm_cid: cid });
  const names = { job: plan.group, index: '0', name: `${plan.group}/0`, created_at: now() };
  await cpi.call('set_vm_metadata', [cid, { ...metadataOf(plan), ...names }]);
  context.onProgress(`VM ${cid} starts; waiting for its agent`);
  return cid;
}

/** The agent's part, with a specification that names no job. */
async function startJobs({ plan, agent, context }: Deployment): Promise<void> {
  context.onProgress('starting');
  const spec: JsonValue = {
    deployment: plan.deployment,
    name: plan.group,
    index: 0,
    id: '0',
    job: { name: plan.group, templates: [] },
    packages: {},
    networks: plan.networks,
    configuration_hash: '',
  };
  await agent.stop();
  await agent.apply(spec);
  await agent.runScript('pre-start');
  await agent.start();
  const running = await waitFor(
    async () => ((await agent.getState()).job_state === 'running' ? true : undefined),
    {
      timeoutMs: runningTimeoutMs,
      intervalMs: 500,
      signal: context.signal,
    },
  );
  if (!running)
    throw new ToolError('CREATE_ENV', `The machine's jobs did not run within ${runningTimeoutMs / 1000} s`);
  await agent.runScript('post-start');
}
