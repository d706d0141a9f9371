import { waitFor } from '../../src/platform/retry.ts';
import type { Figure } from '../figure.ts';
import { attachedForGuest } from '../harness/attached.ts';
import { runProgram } from '../harness/programs.ts';
import { times } from '../target.ts';

const goneTimeoutMs = 30_000;

/** Takes a disk from a guest that runs. Most of it is the guest's own time: it has to let go. */
export const detachDisk: Figure = {
  name: 'detach-disk',
  async measure(bench) {
    const [rig, machines] = [await bench.rig(), await bench.machines()];
    await using scene = await attachedForGuest(rig, machines);
    const { machine, disk, device } = scene;
    const [ours, theirs] = await bench.compare(
      10,
      async () => {
        await scene.attach();
        return await rig.cpi.time('detach_disk', [machine.name, disk]);
      },
      async () => {
        await scene.attach();
        const started = performance.now();
        await runProgram(rig.virsh('detach-device', machine.name, device, '--live', '--config'));
        const gone = await waitFor(async () => ((await scene.isShown()) ? undefined : true), {
          timeoutMs: goneTimeoutMs,
          intervalMs: 5,
        });
        if (!gone) throw new Error(`the guest did not let go of disk ${disk}`);
        return performance.now() - started;
      },
    );
    return [
      {
        what: 'detach_disk, live',
        ours,
        beside: 'virsh detach-device, and virsh until it is gone',
        theirs,
        target: times(1.2),
      },
    ];
  },
};
