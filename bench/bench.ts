import { type Images, makeImages } from './harness/images.ts';
import { interleave, type Side } from './harness/interleave.ts';
import { Machines } from './harness/machines.ts';
import { openRig, type Rig } from './harness/rig.ts';
import type { Sample } from './harness/sample.ts';

/** What figures share. Each is made when the first one asks for it, and goes when the benchmark ends. */
export interface Bench {
  rig(): Promise<Rig>;
  machines(): Promise<Machines>;
  images(): Promise<Images>;
  /** Measures two sides in turn; throws as soon as somebody wants the end. */
  compare(rounds: number, ours: Side, theirs: Side): Promise<[Sample, Sample]>;
}

export function openBench(signal: AbortSignal): Bench & AsyncDisposable {
  let rig: Promise<Rig> | undefined;
  let machines: Promise<Machines> | undefined;
  let images: Promise<Images> | undefined;
  const unlessOver = (side: Side) => async () => {
    signal.throwIfAborted();
    return await side();
  };
  const bench: Bench = {
    rig() {
      rig ??= openRig(signal);
      return rig;
    },
    machines() {
      machines ??= bench.rig().then((opened) => Machines.prepare(opened));
      return machines;
    },
    images() {
      images ??= bench.rig().then(({ folder }) => makeImages(folder));
      return images;
    },
    compare: (rounds, ours, theirs) => interleave(rounds, unlessOver(ours), unlessOver(theirs)),
  };
  return {
    ...bench,
    async [Symbol.asyncDispose]() {
      await (await rig?.catch(() => undefined))?.[Symbol.asyncDispose](); // one that did not open has cleared up itself
    },
  };
}
