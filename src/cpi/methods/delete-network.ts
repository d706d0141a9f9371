import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const deleteNetwork = defineMethod({
  args: [argument.network],
  async run({ openBackend }, [network]) {
    await (await openBackend()).networks.delete(network);
  },
});
