import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const detachDisk = defineMethod({
  args: [argument.vm, argument.disk],
  async run({ openBackend }, [vm, disk]) {
    await (await openBackend()).vms.detachDisk(vm, disk);
    return null;
  },
});
