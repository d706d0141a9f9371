import * as z from 'zod/mini';
import { newCid } from '../../platform/ids.ts';
import type { DiskCid } from '../backend.ts';
import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Makes a persistent disk of `size` MiB. The last argument is a hint, the VM that it is for, and nothing to be strict about: bosh sends null or '' too. */
export const createDisk = defineMethod({
  args: [argument.sizeMb, argument.hash, z.unknown()],
  optional: 1,
  async run({ openBackend }, [sizeMb, cloudProperties]) {
    const cid = newCid('disk') as DiskCid;
    await (await openBackend()).disks.create(cid, sizeMb, cloudProperties);
    return cid;
  },
});
