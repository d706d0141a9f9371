import { readTextIfThere } from '../../platform/files.ts';
import type { DeploySource, EngineContext } from '../engine.ts';
import { StateFile } from '../state-file.ts';
import { openDeployment, readManifest } from './deployment.ts';
import { deleteDisk } from './disks.ts';
import { deleteCurrentVm } from './shut-down.ts';
import { deleteStemcell } from './stemcells.ts';

/**
 * Deletes VM, disks and stemcells that the state names, and then the state; what is already gone is no failure. No state
 * file: nothing to do. Of the manifest only `cloud_provider` counts, so that one with jobs can be deleted as well.
 */
export async function deleteEnv(source: DeploySource, context: EngineContext): Promise<void> {
  if ((await readTextIfThere(source.statePath)) === undefined) return;
  const { manifest } = await readManifest(source);
  const state = await StateFile.open(source.statePath);
  const stemcellApiVersion = state.currentStemcell?.api_version ?? 1;
  const deployment = await openDeployment(manifest, state, stemcellApiVersion, context);
  await deleteCurrentVm(deployment, true);
  for (const disk of state.disks) await deleteDisk(deployment, disk);
  for (const stemcell of state.stemcells) await deleteStemcell(deployment, stemcell);
  await state.remove();
}
