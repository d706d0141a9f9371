import type { Trial } from './trial.ts';

const atHand = new WeakMap<object, Promise<string>>();

/** The stemcell that VMs are made from where a sequence is not about stemcells: imported once in a run. */
export async function stemcellAtHand(trial: Trial): Promise<string> {
  const { world } = trial;
  const known = atHand.get(world);
  if (known) return await known;
  const { imagePath, cloudProperties } = world.scene.stemcell;
  const importing = trial.made('create_stemcell', imagePath, cloudProperties);
  atHand.set(world, importing);
  return await importing;
}
