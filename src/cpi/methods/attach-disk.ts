import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Answers the hint by which the agent finds the disk; never null, or the agent would not be told (contract 1.3). */
export const attachDisk = defineMethod({
  args: [argument.vm, argument.disk],
  async run({ openBackend }, [vm, disk]) {
    return await (await openBackend()).vms.attachDisk(vm, disk);
  },
});
