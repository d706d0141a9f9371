import type { BackendName } from '../src/cpi/backends/registry.ts';
import { Containers } from './harness/containers.ts';
import { type Images, makeImages } from './harness/images.ts';
import { interleave, type Side } from './harness/interleave.ts';
import { Machines } from './harness/machines.ts';
import { openRig, type Rig } from './harness/rig.ts';
import type { Sample } from './harness/sample.ts';

/** What figures share. Each is made when the first one asks for it, and goes when the benchmark ends. */
export interface Bench {
  /** Of QEMU if nobody asks for another backend. */
  rig(backend?: BackendName): Promise<Rig>;
  machines(): Promise<Machines>;
  containers(): Promise<Containers>;
  images(): Promise<Images>;
  /** Measures two sides in turn; throws as soon as somebody wants the end. */
  compare(rounds: number, ours: Side, theirs: Side): Promise<[Sample, Sample]>;
}

export function openBench(signal: AbortSignal): Bench & AsyncDisposable {
  const rigs = new Map<BackendName, Promise<Rig>>();
  let containers: Promise<Containers> | undefined;
  let machines: Promise<Machines> | undefined;
  let images: Promise<Images> | undefined;
  const unlessOver = (side: Side) => async () => {
    signal.throwIfAborted();
    return await side();
  };
  const bench: Bench = {
    rig(backend = 'qemu') {
      const rig = rigs.get(backend) ?? openRig(signal, backend);
      rigs.set(backend, rig);
      return rig;
    },
    containers() {
      containers ??= bench.rig('lxc').then((opened) => Containers.prepare(opened));
      return containers;
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
      // one that did not open has cleared up itself
      for (const rig of rigs.values()) await (await rig.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}
