import { readTextIfThere } from '../../platform/files.ts';
import type { DeploySource, EngineContext } from '../engine.ts';
import { deleteCurrentVm, openDeployment, unlessNotFound } from './deployment.ts';

/** Deletes VM, disks and stemcells that the state names, and then the state. No state file: nothing to do. */
export async function deleteEnv(source: DeploySource, context: EngineContext): Promise<void> {
  if ((await readTextIfThere(source.statePath)) === undefined) return;
  const deployment = await openDeployment(source, context);
  const { state, cpi } = deployment;
  await deleteCurrentVm(deployment);
  for (const disk of state.disks) {
    context.onProgress(`deleting disk ${disk.cid}`);
    await unlessNotFound(cpi.call('delete_disk', [disk.cid]));
    await state.change({ disks: state.disks.filter((each) => each.id !== disk.id), current_disk_id: '' });
  }
  for (const stemcell of state.stemcells) {
    context.onProgress(`deleting stemcell ${stemcell.cid}`);
    await unlessNotFound(cpi.call('delete_stemcell', [stemcell.cid]));
    await state.change({
      stemcells: state.stemcells.filter((each) => each.id !== stemcell.id),
      current_stemcell_id: '',
    });
  }
  await state.remove();
}
