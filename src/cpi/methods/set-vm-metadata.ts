import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const setVmMetadata = defineMethod({
  args: [argument.vm, argument.hash],
  async run({ openBackend }, [cid, metadata]) {
    await (await openBackend()).vms.setMetadata(cid, metadata);
    return null;
  },
});
