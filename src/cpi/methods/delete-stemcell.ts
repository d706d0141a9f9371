import { argument, directorOf } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Of a stemcell that is not there too: bosh would fail otherwise, or clean up for ever (contract 1.4). */
export const deleteStemcell = defineMethod({
  args: [argument.stemcell],
  async run({ openBackend, request }, [cid]) {
    await (await openBackend()).stemcells.delete(cid, directorOf(request));
    return null;
  },
});
