import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Persistent disks only: the director takes snapshots of what is listed here (contract 1.3). */
export const getDisks = defineMethod({
  args: [argument.vm],
  async run({ openBackend }, [cid]) {
    return await (await openBackend()).vms.listDisks(cid);
  },
});
