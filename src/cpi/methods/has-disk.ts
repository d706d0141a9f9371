import type { DiskCid } from '../backend.ts';
import { argument, isCid } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Never an error for an unknown CID, whatever it looks like (contract 8.1, 3). */
export const hasDisk = defineMethod({
  args: [argument.text],
  async run({ openBackend }, [cid]) {
    return isCid(cid) && (await (await openBackend()).disks.has(cid as DiskCid));
  },
});
