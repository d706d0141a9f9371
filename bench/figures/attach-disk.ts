import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/platform/retry.ts';
import type { Figure } from '../figure.ts';
import { guestSees, waitForBoot } from '../harness/guest-agent.ts';
import type { Machine } from '../harness/machines.ts';
import { runProgram } from '../harness/programs.ts';
import type { Rig } from '../harness/rig.ts';
import { atMost } from '../target.ts';

const seenTimeoutMs = 30_000;

/** Plugs a disk into a guest that runs, and asks the guest each time whether it is there. */
export const attachDisk: Figure = {
  name: 'attach-disk',
  async measure(bench) {
    const [rig, machines] = [await bench.rig(), await bench.machines()];
    const machine = await machines.createByCpi();
    await waitForBoot(rig, machine.ip);
    const disk = (await rig.cpi.call('create_disk', [256, {}, machine.name])) as string;
    const device = await deviceXml(rig, disk);
    const [ours, theirs] = await bench.compare(
      10,
      () => plug(rig, machine, disk, () => rig.cpi.time('attach_disk', [machine.name, disk])),
      () =>
        plug(
          rig,
          machine,
          disk,
          async () =>
            (await runProgram(rig.virsh('attach-device', machine.name, device, '--live', '--config'))).ms,
        ),
    );
    await machines.deleteByCpi(machine.name);
    await rig.cpi.call('delete_disk', [disk]);
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

/** Attaches, makes sure of it in the guest, and detaches; what counts is the first. */
async function plug(
  rig: Rig,
  machine: Machine,
  disk: string,
  attach: () => Promise<number>,
): Promise<number> {
  const ms = await attach();
  const seen = await waitFor(async () => (await guestSees(rig, machine.ip, disk)) || undefined, {
    timeoutMs: seenTimeoutMs,
    intervalMs: 100,
  });
  if (!seen) throw new Error(`the guest did not see disk ${disk} within ${seenTimeoutMs / 1000} s`);
  await rig.cpi.call('detach_disk', [machine.name, disk]);
  return ms;
}

async function deviceXml(rig: Rig, disk: string): Promise<string> {
  const path = join(rig.folder, `${disk}.xml`);
  const source = join(rig.poolPath, `${disk}.qcow2`);
  await writeFile(
    path,
    `<disk type="file" device="disk">
       <driver name="qemu" type="qcow2" discard="unmap"/>
       <source file="${source}"/>
       <target dev="vdc" bus="virtio"/>
       <serial>${disk}</serial>
     </disk>`,
  );
  return path;
}
