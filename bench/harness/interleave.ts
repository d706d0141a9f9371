import { type Sample, sampleOf } from './sample.ts';

/** Does the thing once and says what it took. What it makes or clears around that is not counted. */
export type Side = () => Promise<number>;

/**
 * Measures two sides in turn, so that whatever else the machine does falls on both; each round begins with the other one. A
 * round before the first warms the caches up and does not count.
 */
export async function interleave(rounds: number, ours: Side, theirs: Side): Promise<[Sample, Sample]> {
  await ours();
  await theirs();
  const values: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 1) values.theirs.push(await theirs());
    values.ours.push(await ours());
    if (round % 2 === 0) values.theirs.push(await theirs());
  }
  return [sampleOf(values.ours), sampleOf(values.theirs)];
}
