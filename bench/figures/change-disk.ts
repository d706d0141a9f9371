import { join } from 'node:path';
import type { BackendName } from '../../src/cpi/backends/registry.ts';
import type { Figure, Row } from '../figure.ts';
import { runProgram, timeChain } from '../harness/programs.ts';
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
      () => timeChain([rig.virsh('vol-resize', plain, `${larger()}M`, '--pool', rig.pool), ...growth(rig)]),
    );
    await runProgram(rig.virsh('vol-delete', plain, '--pool', rig.pool));
    await rig.cpi.call('delete_disk', [disk]);
    const beside = ['virsh vol-resize', ...growth(rig).map(([program]) => program)].join(', ');
    return [{ what: `${prefix}resize_disk`, ours, beside, theirs, target: within(60) }];
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

/** A container's disk has a file system from the start, which has to grow with it. */
const growth = (rig: Rig): [string, ...string[]][] =>
  rig.backend === 'lxc' ? [['resize2fs', join(rig.poolPath, 'plain')]] : [];

/** A volume that virsh may grow: it has nothing of ours. */
async function plainVolume(rig: Rig): Promise<string> {
  const { format } = disksOf[rig.backend];
  await runProgram(rig.virsh('vol-create-as', rig.pool, 'plain', `${firstMb}M`, '--format', format));
  if (rig.backend === 'lxc')
    await runProgram(['mke2fs', '-q', '-t', 'ext4', '-F', join(rig.poolPath, 'plain')]);
  return 'plain';
}

/** Writes behind what a file system has at its start. */
async function fill(rig: Rig, volume: string): Promise<void> {
  const { format } = disksOf[rig.backend];
  const path = join(rig.poolPath, volume);
  await runProgram(['qemu-io', '-f', format, '-c', `write -P 7 128M ${filledMb}M`, path]);
}
