import type { Bench } from '../bench.ts';
import type { Figure, Row } from '../figure.ts';
import { waitForBoot } from '../harness/guest-agent.ts';
import type { Machine } from '../harness/made-by-cpi.ts';
import { runProgram } from '../harness/programs.ts';
import type { Rig } from '../harness/rig.ts';
import { times } from '../target.ts';

interface State {
  readonly name: string;
  readonly isActive: boolean;
  /** Brings a machine that was just started into it. */
  reach(rig: Rig, machine: Machine): Promise<unknown>;
}

const off: State = {
  name: 'off',
  isActive: false,
  reach: (rig, { name }) => runProgram(rig.virsh('destroy', name)),
};
const states: readonly State[] = [
  { name: 'running', isActive: true, reach: (rig, { ip }) => waitForBoot(rig, ip) },
  { name: 'not yet booted', isActive: true, reach: async () => {} },
  { name: 'paused', isActive: true, reach: (rig, { name }) => runProgram(rig.virsh('suspend', name)) },
  off,
];

/** The machines are as create_vm makes them: two disks, settings and a console log, each a volume. */
export const deleteVm: Figure = {
  name: 'delete-vm',
  async measure(bench) {
    const rows: Row[] = [];
    for (const state of states) rows.push(await compare(bench, state, 'deleteByVirsh'));
    rows.push(await compare(bench, off, 'deleteStepByStep')); // where virsh's own start counts most
    return rows;
  },
};

async function compare(
  bench: Bench,
  { name, isActive, reach }: State,
  byHand: 'deleteByVirsh' | 'deleteStepByStep',
): Promise<Row> {
  const [rig, machines] = [await bench.rig(), await bench.machines()];
  const brought = async (): Promise<string> => {
    const machine = await machines.createByCpi();
    await reach(rig, machine);
    return machine.name;
  };
  const [ours, theirs] = await bench.compare(
    5,
    async () => await machines.deleteByCpi(await brought()),
    async () => await machines[byHand](await brought(), { isActive }),
  );
  const hand = byHand === 'deleteByVirsh' ? 'one virsh' : 'a virsh for each step';
  const beside = `${hand}: ${isActive ? 'destroy, ' : ''}undefine, vol-delete of 4 volumes`;
  return { what: `delete_vm, ${name}`, ours, beside, theirs, target: times(1.4) };
}
