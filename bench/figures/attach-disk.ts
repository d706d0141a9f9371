import type { Figure } from '../figure.ts';
import { attachedForGuest } from '../harness/attached.ts';
import { runProgram } from '../harness/programs.ts';
import { atMost } from '../target.ts';

/** Plugs a disk into a guest that runs, and asks the guest each time whether it is there. */
export const attachDisk: Figure = {
  name: 'attach-disk',
  async measure(bench) {
    const [rig, machines] = [await bench.rig(), await bench.machines()];
    await using scene = await attachedForGuest(rig, machines);
    const { machine, disk, device, waitUntilSeen } = scene;
    const plug = async (attach: () => Promise<number>): Promise<number> => {
      const ms = await attach();
      await waitUntilSeen();
      await rig.cpi.call('detach_disk', [machine.name, disk]);
      return ms;
    };
    const byVirsh = rig.virsh('attach-device', machine.name, device, '--live', '--config');
    const [ours, theirs] = await bench.compare(
      10,
      () => plug(() => rig.cpi.time('attach_disk', [machine.name, disk])),
      () => plug(async () => (await runProgram(byVirsh)).ms),
    );
    return [
      {
        what: 'attach_disk, live, seen in the guest',
        ours,
        beside: 'virsh attach-device --live --config',
        theirs,
        target: atMost(90),
      },
    ];
  },
};
