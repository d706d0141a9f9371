import type { Backend } from '../cpi/backend.ts';
import type { Log } from '../platform/log.ts';
import { hasDirector } from './ownership.ts';
import { currentVm } from './session.ts';

/**
 * Removes VMs that bosh's state does not know: a create-env that was killed between create_vm and the writing of its state
 * leaves one, and its address would be taken for ever. VMs of a director's stay, and so do disks: they may hold what
 * somebody wants.
 */
export async function removeStrays(backend: Backend, name: string, log: Log): Promise<void> {
  const known = await currentVm(name);
  const { vms } = await backend.ground.inventory();
  if (vms.every(({ cid }) => cid === known)) return; // without the longer look
  for (const vm of (await backend.ground.census()).vms) {
    if (vm.cid === known || hasDirector(vm.metadata)) continue;
    log.info(`VM ${vm.cid} of an unfinished run is deleted`);
    await backend.vms.delete(vm.cid);
  }
}
