import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const deleteDisk = defineMethod({
  args: [argument.disk],
  async run({ openBackend }, [cid]) {
    await (await openBackend()).disks.delete(cid);
    return null;
  },
});
