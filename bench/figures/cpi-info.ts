import type { Figure } from '../figure.ts';
import { bareNode } from '../harness/programs.ts';
import { within } from '../target.ts';

export const cpiInfo: Figure = {
  name: 'cpi-info',
  async measure(bench) {
    const { cpi } = await bench.rig();
    const [ours, theirs] = await bench.compare(30, () => cpi.time('info', []), bareNode);
    return [{ what: 'cpi info', ours, beside: 'node -e 0', theirs, target: within(12) }];
  },
};
