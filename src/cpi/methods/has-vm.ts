import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const hasVm = defineMethod({
  args: [argument.vm],
  async run({ openBackend }, [cid]) {
    return await (await openBackend()).vms.has(cid);
  },
});
