import { newCid } from '../../platform/ids.ts';
import type { SnapshotCid } from '../backend.ts';
import { argument } from '../wire.ts';
import { defineMethod } from './method.ts';

/** A real copy of a disk, the VM that has it running or not (contract 8.1, 7). */
export const snapshotDisk = defineMethod({
  args: [argument.disk, argument.hash],
  optional: 1,
  async run({ openBackend }, [disk, metadata]) {
    const cid = newCid('snap') as SnapshotCid;
    await (await openBackend()).disks.snapshot(cid, disk, metadata ?? {});
    return cid;
  },
});
