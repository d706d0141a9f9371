import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const deleteSnapshot = defineMethod({
  args: [argument.snapshot],
  async run({ openBackend }, [snapshot]) {
    await (await openBackend()).disks.deleteSnapshot(snapshot);
  },
});
