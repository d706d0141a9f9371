import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { Figure, Row } from '../figure.ts';
import { runProgram } from '../harness/programs.ts';
import { within } from '../target.ts';

const filledMb = 64;

/** Growing a disk, beside the volume operation that it comes to. */
export const resizeDisk: Figure = {
  name: 'resize-disk',
  async measure(bench): Promise<Row[]> {
    const rig = await bench.rig();
    const disk = (await rig.cpi.call('create_disk', [256, {}, ''])) as string;
    let sizeMb = 256;
    const larger = () => {
      sizeMb += 1;
      return sizeMb;
    };
    const [ours, theirs] = await bench.compare(
      15,
      () => rig.cpi.time('resize_disk', [disk, larger()]),
      async () =>
        (await runProgram(rig.virsh('vol-resize', `${disk}.qcow2`, `${larger()}M`, '--pool', rig.pool))).ms,
    );
    await rig.cpi.call('delete_disk', [disk]);
    return [{ what: 'resize_disk', ours, beside: 'virsh vol-resize', theirs, target: within(60) }];
  },
};

/** Copying a disk with something on it, beside the copy of its volume. */
export const snapshotDisk: Figure = {
  name: 'snapshot-disk',
  async measure(bench): Promise<Row[]> {
    const rig = await bench.rig();
    const disk = await filledDisk(bench);
    const [ours, theirs] = await bench.compare(
      10,
      async () => {
        const { ms, result } = await rig.cpi.run('snapshot_disk', [disk, { deployment: 'bench' }]);
        await rig.cpi.call('delete_snapshot', [result]);
        return ms;
      },
      async () => {
        const { ms } = await runProgram(
          rig.virsh('vol-clone', `${disk}.qcow2`, 'copy.qcow2', '--pool', rig.pool),
        );
        await runProgram(rig.virsh('vol-delete', 'copy.qcow2', '--pool', rig.pool));
        return ms;
      },
    );
    await rig.cpi.call('delete_disk', [disk]);
    return [
      {
        what: `snapshot_disk, ${filledMb} MiB on it`,
        ours,
        beside: 'virsh vol-clone',
        theirs,
        target: within(60),
      },
    ];
  },
};

async function filledDisk(bench: Bench): Promise<string> {
  const rig = await bench.rig();
  const disk = (await rig.cpi.call('create_disk', [256, {}, ''])) as string;
  const path = join(rig.poolPath, `${disk}.qcow2`);
  await runProgram(['qemu-io', '-c', `write -P 7 0 ${filledMb}M`, path]);
  return disk;
}
