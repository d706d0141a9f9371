import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Makes a disk larger; bosh copies it to a new one where that is refused (contract 1.3). */
export const resizeDisk = defineMethod({
  args: [argument.disk, argument.sizeMb],
  async run({ openBackend }, [disk, sizeMb]) {
    await (await openBackend()).disks.resize(disk, sizeMb);
  },
});
