import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const deleteStemcell = defineMethod({
  args: [argument.stemcell],
  async run({ openBackend }, [cid]) {
    await (await openBackend()).stemcells.delete(cid);
    return null;
  },
});
