import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

export const rebootVm = defineMethod({
  args: [argument.vm],
  async run({ openBackend }, [cid]) {
    await (await openBackend()).vms.reboot(cid);
    return null;
  },
});
