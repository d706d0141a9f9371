import { join } from 'node:path';
import type { BackendName } from '../../src/cpi/backends/registry.ts';
import type { Figure, Row } from '../figure.ts';
import { runProgram } from '../harness/programs.ts';
import type { Rig } from '../harness/rig.ts';
import { within } from '../target.ts';

const filledMb = 64;
const firstMb = 256;

/** How a backend's disks lie in the pool. */
const disksOf: Readonly<
  Record<BackendName, { readonly suffix: string; readonly format: string; readonly prefix: string }>
> = {
  qemu: { suffix: '.qcow2', format: 'qcow2', prefix: '' },
  lxc: { suffix: '.img', format: 'raw', prefix: 'lxc: ' },
};

/** Growing a disk, beside the volume operation that it comes to. */
export const resizeDisk = (backend: BackendName): Figure => ({
  name: `${backend === 'qemu' ? '' : `${backend}-`}resize-disk`,
  async measure(bench): Promise<Row[]> {
    const rig = await bench.rig(backend);
    const { prefix } = disksOf[backend];
    const disk = await newDisk(rig);
    let sizeMb = firstMb;
    const larger = () => {
      sizeMb += 1;
      return sizeMb;
    };
    const plain = await plainVolume(rig);
    const [ours, theirs] = await bench.compare(
      15,
      () => rig.cpi.time('resize_disk', [disk, larger()]),
      async () => (await runProgram(rig.virsh('vol-resize', plain, `${larger()}M`, '--pool', rig.pool))).ms,
    );
    await runProgram(rig.virsh('vol-delete', plain, '--pool', rig.pool));
    await rig.cpi.call('delete_disk', [disk]);
    return [{ what: `${prefix}resize_disk`, ours, beside: 'virsh vol-resize', theirs, target: within(60) }];
  },
});

/** Copying a disk with something on it, beside the copy of its volume. */
export const snapshotDisk = (backend: BackendName): Figure => ({
  name: `${backend === 'qemu' ? '' : `${backend}-`}snapshot-disk`,
  async measure(bench): Promise<Row[]> {
    const rig = await bench.rig(backend);
    const { suffix, prefix } = disksOf[backend];
    const disk = await newDisk(rig);
    await fill(rig, `${disk}${suffix}`);
    const [ours, theirs] = await bench.compare(
      10,
      async () => {
        const { ms, result } = await rig.cpi.run('snapshot_disk', [disk, { deployment: 'bench' }]);
        await rig.cpi.call('delete_snapshot', [result]);
        return ms;
      },
      async () => {
        const { ms } = await runProgram(
          rig.virsh('vol-clone', `${disk}${suffix}`, 'copy', '--pool', rig.pool),
        );
        await runProgram(rig.virsh('vol-delete', 'copy', '--pool', rig.pool));
        return ms;
      },
    );
    await rig.cpi.call('delete_disk', [disk]);
    const what = `${prefix}snapshot_disk, ${filledMb} MiB on it`;
    return [{ what, ours, beside: 'virsh vol-clone', theirs, target: within(60) }];
  },
});

async function newDisk(rig: Rig): Promise<string> {
  return (await rig.cpi.call('create_disk', [firstMb, {}, ''])) as string;
}

/** A volume that virsh may grow: it has nothing of ours. */
async function plainVolume(rig: Rig): Promise<string> {
  const { format } = disksOf[rig.backend];
  await runProgram(rig.virsh('vol-create-as', rig.pool, 'plain', `${firstMb}M`, '--format', format));
  return 'plain';
}

/** Writes behind what a file system has at its start. */
async function fill(rig: Rig, volume: string): Promise<void> {
  const { format } = disksOf[rig.backend];
  const path = join(rig.poolPath, volume);
  await runProgram(['qemu-io', '-f', format, '-c', `write -P 7 128M ${filledMb}M`, path]);
}
