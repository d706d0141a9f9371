import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Answers the disk's new CID, or null if it keeps the one that it has (contract 1.3). */
export const updateDisk = defineMethod({
  args: [argument.disk, argument.sizeMb, argument.hash],
  async run({ openBackend }, [disk, sizeMb, properties]) {
    const cid = await (await openBackend()).disks.update(disk, sizeMb, properties);
    return cid === disk ? null : cid;
  },
});
