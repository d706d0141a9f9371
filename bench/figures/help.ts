import type { Figure } from '../figure.ts';
import { launcher } from '../harness/cpi.ts';
import { bareNode, runProgram } from '../harness/programs.ts';
import { atMost } from '../target.ts';

export const help: Figure = {
  name: 'help',
  async measure(bench) {
    const [ours, theirs] = await bench.compare(
      20,
      async () => (await runProgram([launcher, '--help'])).ms,
      bareNode,
    );
    return [{ what: 'boshvirt --help', ours, beside: 'node -e 0', theirs, target: atMost(110) }];
  },
};
