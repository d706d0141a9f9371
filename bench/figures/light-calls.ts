import type { Figure, Row } from '../figure.ts';
import { bareNode, runProgram } from '../harness/programs.ts';
import { within } from '../target.ts';

/** Calls that ask or note something and make nothing. The machine that they are about is off, and takes nobody's time. */
export const lightCalls: Figure = {
  name: 'light-calls',
  async measure(bench) {
    const { cpi, virsh } = await bench.rig();
    const machines = await bench.machines();
    const { name } = await machines.createByCpi();
    await runProgram(virsh('destroy', name));
    const metadata = {
      director: 'bench',
      deployment: 'bench',
      job: 'machine',
      index: '0',
      name: 'machine/0',
    };
    const calls = [
      ['has_vm', [name]],
      ['set_vm_metadata', [name, metadata]],
    ] as const;
    const rows: Row[] = [];
    for (const [method, args] of calls) {
      const [ours, theirs] = await bench.compare(20, () => cpi.time(method, args), bareNode);
      rows.push({ what: method, ours, beside: 'node -e 0', theirs, target: within(25) });
    }
    await machines.deleteByCpi(name);
    return rows;
  },
};
