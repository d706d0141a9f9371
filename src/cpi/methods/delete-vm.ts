import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Also called for a VM that is not there, "to clean up related resources" (contract 1.4). Persistent disks stay. */
export const deleteVm = defineMethod({
  args: [argument.vm],
  async run({ openBackend }, [cid]) {
    await (await openBackend()).vms.delete(cid);
    return null;
  },
});
