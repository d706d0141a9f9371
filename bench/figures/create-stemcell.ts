import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { Figure } from '../figure.ts';
import type { Images } from '../harness/images.ts';
import { timeChain } from '../harness/programs.ts';
import type { Rig } from '../harness/rig.ts';
import { times } from '../target.ts';

/** From a stemcell's packed image to a volume that VMs can stand on. */
export const createStemcell: Figure = {
  name: 'create-stemcell',
  async measure(bench) {
    const [rig, images] = [await bench.rig(), await bench.images()];
    return [await importImage(bench, rig, images, 'qcow2'), await importImage(bench, rig, images, 'raw')];
  },
};

async function importImage(bench: Bench, rig: Rig, images: Images, format: keyof Images) {
  const [ours, theirs] = await bench.compare(
    5,
    async () => {
      const { ms, result } = await rig.cpi.run('create_stemcell', [images[format], {}, {}]);
      await rig.cpi.call('delete_stemcell', [result]);
      return ms;
    },
    () => importByHand(rig, images[format], format),
  );
  return {
    what: `create_stemcell, 2 GiB ${format === 'raw' ? 'raw' : 'in a compressed qcow2'}`,
    ours,
    beside: 'tar -xzf, vol-create, vol-upload',
    theirs,
    target: times(1.2),
  };
}

async function importByHand(rig: Rig, image: string, format: string): Promise<number> {
  const folder = join(rig.folder, 'unpacked');
  await mkdir(folder);
  const volume = 'by-hand.img';
  const ms = await timeChain([
    ['tar', '-xzf', image, '-C', folder],
    rig.virsh('vol-create-as', rig.pool, volume, '2G', '--format', format),
    rig.virsh('vol-upload', volume, join(folder, 'root.img'), '--pool', rig.pool),
  ]);
  await timeChain([rig.virsh('vol-delete', volume, '--pool', rig.pool)]);
  await rm(folder, { recursive: true });
  return ms;
}
