import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/platform/retry.ts';
import { guestSees, waitForBoot } from './guest-agent.ts';
import type { Machines } from './machines.ts';
import type { Machine } from './made-by-cpi.ts';
import { runProgram } from './programs.ts';
import type { Rig } from './rig.ts';

const seenTimeoutMs = 30_000;

/** A machine that runs with a guest in it, and a disk for it. */
interface AttachedScene extends AsyncDisposable {
  readonly machine: Machine;
  readonly disk: string;
  /** A file with the device's XML, for virsh. */
  readonly device: string;
  /** Plugs the disk in and waits until the guest has seen it. */
  attach(): Promise<void>;
  waitUntilSeen(): Promise<void>;
  /** Whether the hypervisor still shows it. */
  isShown(): Promise<boolean>;
}

export async function attachedForGuest(rig: Rig, machines: Machines): Promise<AttachedScene> {
  const machine = await machines.createByCpi();
  await waitForBoot(rig, machine.ip);
  const disk = (await rig.cpi.call('create_disk', [256, {}, machine.name])) as string;
  const device = await deviceXml(rig, disk);
  const waitUntilSeen = async () => {
    const seen = await waitFor(async () => (await guestSees(rig, machine.ip, disk)) || undefined, {
      timeoutMs: seenTimeoutMs,
      intervalMs: 100,
    });
    if (!seen) throw new Error(`the guest did not see disk ${disk} within ${seenTimeoutMs / 1000} s`);
  };
  return {
    machine,
    disk,
    device,
    waitUntilSeen,
    async attach() {
      await runProgram(rig.virsh('attach-device', machine.name, device, '--live', '--config'));
      await waitUntilSeen();
    },
    async isShown() {
      const { stdout } = await runProgram(rig.virsh('domblklist', machine.name));
      return stdout.includes(disk);
    },
    async [Symbol.asyncDispose]() {
      await machines.deleteByCpi(machine.name);
      await rig.cpi.call('delete_disk', [disk]);
    },
  };
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
