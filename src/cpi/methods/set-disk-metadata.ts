import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const setDiskMetadata = defineMethod({
  args: [argument.disk, argument.hash],
  async run({ openBackend }, [cid, metadata]) {
    await (await openBackend()).disks.setMetadata(cid, metadata);
    return null;
  },
});
