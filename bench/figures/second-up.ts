import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../src/environment/paths.ts';
import { removePrivateHost } from '../../src/host/private-host/index.ts';
import type { Figure } from '../figure.ts';
import { launcher } from '../harness/cpi.ts';
import { bareNode, runProgram } from '../harness/programs.ts';
import { atMost } from '../target.ts';

/** `boshvirt up` where everything stands already. The environment is the benchmark's own, and so is its libvirt. */
export const secondUp: Figure = {
  name: 'second-up',
  async measure(bench) {
    const home = await mkdtemp(join(tmpdir(), 'bench-up-'));
    const env = {
      HOME: home,
      XDG_DATA_HOME: join(home, 'd'), // short: a socket's path holds 107 bytes
      XDG_STATE_HOME: join(home, 's'),
      XDG_CACHE_HOME: join(cacheFolder(), '..'),
    };
    const boshvirt = (...words: string[]) => runProgram([launcher, ...words], { env });
    try {
      await boshvirt('up', '--profile', 'machine', '--yes');
      const [ours, theirs] = await bench.compare(
        10,
        async () => (await boshvirt('up', '--profile', 'machine', '--yes')).ms,
        bareNode,
      );
      return [
        { what: 'boshvirt up, nothing to do', ours, beside: 'node -e 0', theirs, target: atMost(3000) },
      ];
    } finally {
      try {
        await boshvirt('down', '--yes');
      } finally {
        await removePrivateHost(join(home, 'd', 'boshvirt', 'host')); // gone already, unless the above failed
        await rm(home, { recursive: true, force: true });
      }
    }
  },
};
