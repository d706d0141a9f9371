import { defineSequence } from '../../clause.ts';
import { cloudCheck } from './cloud-check.ts';
import { attachingDisks, swappingDisks } from './disks.ts';
import { dynamicDisks } from './dynamic.ts';
import { deletingNetworks, makingNetworks, usingNetworks } from './networks.ts';
import { changingSizes } from './sizes.ts';
import { outlivingSnapshots, takingSnapshots } from './snapshots.ts';
import { makingSpecialNetworks, usingSpecialNetworks } from './special-networks.ts';
import { beginDirector, type DirectorState } from './state.ts';
import { deletingVms, makingVms } from './vms.ts';

/** What a director does in the life of a deployment, on two VMs: a boot is dear, and each of them proves many clauses. */
export const director = defineSequence<DirectorState>({
  id: 'director',
  title: 'A deployment of two VMs, by the director',
  caller: 'director',
  begin: beginDirector,
  clauses: [
    ...makingNetworks,
    ...makingSpecialNetworks,
    ...makingVms,
    ...usingNetworks,
    ...usingSpecialNetworks,
    ...attachingDisks,
    ...takingSnapshots,
    ...swappingDisks,
    ...dynamicDisks,
    ...changingSizes,
    ...cloudCheck,
    ...deletingVms,
    ...outlivingSnapshots,
    ...deletingNetworks,
  ],
});
