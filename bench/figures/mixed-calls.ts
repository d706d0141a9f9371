import type { BackendName } from '../../src/cpi/backends/registry.ts';
import type { Bench } from '../bench.ts';
import type { Figure } from '../figure.ts';
import { waitForBoot } from '../harness/guest-agent.ts';
import type { Machine } from '../harness/made-by-cpi.ts';
import type { Rig } from '../harness/rig.ts';
import { times } from '../target.ts';

interface Maker {
  createByCpi(): Promise<Machine>;
  deleteByCpi(name: string): Promise<number>;
}

/** Sixteen processes of the CPI at once, of all kinds; one that failed would end the benchmark. */
export const mixedCalls = (backend: BackendName): Figure => ({
  name: `${backend === 'qemu' ? '' : `${backend}-`}mixed-calls`,
  async measure(bench) {
    const rig = await bench.rig(backend);
    const maker = await makerOf(bench, backend);
    const standing = [await maker.createByCpi(), await maker.createByCpi()] as const;
    for (const { ip } of standing) await waitForBoot(rig, ip); // one that boots lets go of no disk
    const [ours, theirs] = await bench.compare(
      4,
      () => mixture(rig, maker, standing, (calls) => Promise.all(calls.map((call) => call()))),
      () =>
        mixture(rig, maker, standing, async (calls) => {
          for (const call of calls) await call();
        }),
    );
    for (const { name } of standing) await maker.deleteByCpi(name);
    const what = `${backend === 'qemu' ? '' : `${backend}: `}16 mixed calls at once`;
    return [{ what, ours, beside: 'the same, one after the other', theirs, target: times(1) }];
  },
});

const makerOf = async (bench: Bench, backend: BackendName): Promise<Maker> =>
  backend === 'qemu' ? await bench.machines() : await bench.containers();

type Calls = readonly (() => Promise<unknown>)[];

/** How long `carryOut` takes for them; what they make is taken away afterwards. */
async function mixture(
  rig: Rig,
  maker: Maker,
  [one, other]: readonly [Machine, Machine],
  carryOut: (calls: Calls) => Promise<unknown>,
): Promise<number> {
  const { cpi } = rig;
  const made: Machine[] = [];
  const disks: unknown[] = [];
  const create = async () => made.push(await maker.createByCpi());
  const addDisk = async () => disks.push(await cpi.call('create_disk', [64, {}, one.name]));
  const attached = await Promise.all([one, other].map(() => cpi.call('create_disk', [64, {}, one.name])));
  const plug =
    ({ name }: Machine, disk: unknown) =>
    async () => {
      await cpi.call('attach_disk', [name, disk]);
    };
  const about = ({ name }: Machine) => [
    () => cpi.call('has_vm', [name]),
    () => cpi.call('get_disks', [name]),
    () => cpi.call('set_vm_metadata', [name, { name: 'machine/0', deployment: 'bench' }]),
  ];
  const calls = [
    ...[create, addDisk, create, addDisk, create, addDisk, create, addDisk],
    ...[plug(one, attached[0]), plug(other, attached[1])],
    ...[...about(one), ...about(other)],
  ];
  const started = performance.now();
  await carryOut(calls);
  const ms = performance.now() - started;
  for (const { name } of made) await maker.deleteByCpi(name);
  for (const [at, { name }] of [one, other].entries()) await cpi.call('detach_disk', [name, attached[at]]);
  for (const disk of [...attached, ...disks]) await cpi.call('delete_disk', [disk]);
  return ms;
}
