import type { Figure, Row } from '../figure.ts';
import { waitForBoot } from '../harness/guest-agent.ts';
import type { Machine } from '../harness/machines.ts';
import { runProgram } from '../harness/programs.ts';
import type { Rig } from '../harness/rig.ts';
import { times } from '../target.ts';

interface State {
  readonly name: string;
  readonly isActive: boolean;
  /** Brings a machine that was just started into it. */
  reach(rig: Rig, machine: Machine): Promise<unknown>;
}

const states: readonly State[] = [
  { name: 'running', isActive: true, reach: (rig, { ip }) => waitForBoot(rig, ip) },
  { name: 'not yet booted', isActive: true, reach: async () => {} },
  { name: 'paused', isActive: true, reach: (rig, { name }) => runProgram(rig.virsh('suspend', name)) },
  { name: 'off', isActive: false, reach: (rig, { name }) => runProgram(rig.virsh('destroy', name)) },
];

export const deleteVm: Figure = {
  name: 'delete-vm',
  async measure(bench) {
    const [rig, machines] = [await bench.rig(), await bench.machines()];
    const rows: Row[] = [];
    for (const { name, isActive, reach } of states) {
      const brought = async (): Promise<Machine> => {
        const machine = await machines.createByCpi();
        await reach(rig, machine);
        return machine;
      };
      const [ours, theirs] = await bench.compare(
        5,
        async () => await machines.deleteByCpi((await brought()).name),
        async () => await machines.deleteByVirsh((await brought()).name, { isActive }),
      );
      const beside = `${isActive ? 'destroy, ' : ''}undefine, vol-delete of 4 volumes by virsh`;
      rows.push({ what: `delete_vm, ${name}`, ours, beside, theirs, target: times(1.4) });
    }
    return rows;
  },
};
