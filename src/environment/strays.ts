import type { Backend } from '../cpi/backend.ts';
import type { Log } from '../platform/log.ts';
import { hasDirector, isStray } from './ownership.ts';
import type { EnvironmentRecord } from './record.ts';
import { currentVm } from './session.ts';

/**
 * Removes VMs that bosh's state does not know and that have the machine's address, which would be taken for ever: a create-env
 * that was killed between create_vm and the writing of its state leaves one, and so does a lost state. Besides those that
 * nobody has claimed for long. VMs of a director's stay, also one that is just being made, and a machine that somebody made beside
 * ours (docs/cpi-release.md); and so do disks: they may hold what somebody wants.
 */
export async function removeStrays(
  backend: Backend,
  { name, network }: Pick<EnvironmentRecord, 'name' | 'network'>,
  log: Log,
): Promise<void> {
  const known = await currentVm(name);
  const { vms } = await backend.ground.inventory();
  if (vms.every(({ cid }) => cid === known)) return; // without the longer look
  const cids = new Set(known === undefined ? [] : [known]);
  for (const vm of (await backend.ground.census()).vms) {
    const isInTheWay = vm.nics.some(({ ips }) => ips.includes(network.ip)) && !hasDirector(vm.metadata);
    if (vm.cid === known || !(isInTheWay || isStray(vm, cids))) continue;
    log.info(`VM ${vm.cid} of an unfinished run is deleted`);
    await backend.vms.delete(vm.cid);
  }
}
