import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const hasDisk = defineMethod({
  args: [argument.disk],
  async run({ openBackend }, [cid]) {
    return await (await openBackend()).disks.has(cid);
  },
});
