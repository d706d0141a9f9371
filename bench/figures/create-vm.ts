import type { Figure } from '../figure.ts';
import type { Machines } from '../harness/machines.ts';
import { times } from '../target.ts';

const beside = 'one virsh: overlay, ephemeral disk, define, start';

export const createVm: Figure = {
  name: 'create-vm',
  async measure(bench) {
    const machines = await bench.machines();
    const [ours, theirs] = await bench.compare(
      10,
      () => several(machines, 1, 'createByCpi'),
      () => several(machines, 1, 'createByVirsh'),
    );
    return [{ what: 'create_vm', ours, beside, theirs, target: times(1.3) }];
  },
};

export const eightVms: Figure = {
  name: 'eight-vms',
  async measure(bench) {
    const machines = await bench.machines();
    const [ours, theirs] = await bench.compare(
      5,
      () => several(machines, 8, 'createByCpi'),
      () => several(machines, 8, 'createByVirsh'),
    );
    return [
      {
        what: 'create_vm, 8 at once',
        ours,
        beside: `8 at once: ${beside}`,
        theirs,
        target: times(1.25),
      },
    ];
  },
};

/** Makes so many at once and takes them away again; how long it took until the last one was there. */
async function several(
  machines: Machines,
  count: number,
  create: 'createByCpi' | 'createByVirsh',
): Promise<number> {
  const started = performance.now();
  const made = await Promise.all(Array.from({ length: count }, () => machines[create]()));
  const ms = performance.now() - started;
  for (const { name } of made) {
    await machines.deleteByVirsh(name, { isActive: true });
    await machines.forgetConsole(name);
  }
  return ms;
}
