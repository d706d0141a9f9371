import * as z from 'zod/mini';
import { newCid } from '../../platform/ids.ts';
import type { DiskCid } from '../backend.ts';
import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/** Makes a persistent disk of `size` MiB. The VM's CID is a placement hint, and null for a disk made in advance. */
export const createDisk = defineMethod({
  args: [argument.sizeMb, argument.hash, z.nullable(argument.vm)],
  optional: 1,
  async run({ openBackend }, [sizeMb, cloudProperties]) {
    const cid = newCid('disk') as DiskCid;
    await (await openBackend()).disks.create(cid, sizeMb, cloudProperties);
    return cid;
  },
});
