import { access } from 'node:fs/promises';
import { messageOf } from '../../../platform/errors.ts';
import { run, which } from '../../../platform/process.ts';
import { type Check, ok, warn } from '../finding.ts';
import { installCommand } from '../install.ts';
import { findFreeRange } from '../ranges.ts';
import { isRoot } from './privileges.ts';

const tunDevice = '/dev/net/tun';

export const networkChecks: readonly Check[] = [
  {
    id: 'tun.device',
    title: 'network device',
    why: 'every network card of a guest is one of its taps',
    async look() {
      const found = await access(tunDevice).then(
        () => true,
        () => false,
      );
      return found
        ? ok(`${tunDevice} is there`)
        : warn(`no ${tunDevice}`, `modprobe tun; in a container: start that with --device ${tunDevice}`);
    },
  },
  {
    id: 'network.filter',
    title: 'address translation',
    why: 'libvirt lets guests out by rules of iptables',
    async look() {
      if (!isRoot()) return ok('not tried without root');
      if (!(await which('iptables'))) return warn('iptables is not installed', installCommand(['iptables']));
      try {
        await run(['unshare', '--net', 'iptables', '-w', '-t', 'nat', '-S'], { timeoutMs: 5_000 });
        return ok('iptables works in a network namespace');
      } catch (error) {
        return warn(
          messageOf(error),
          'modprobe -a nf_tables nft_chain_nat; in a container: on the machine outside',
        );
      }
    },
  },
  {
    id: 'subnet.conflict',
    title: 'address range',
    why: 'an environment’s network must not hide another one that this machine reaches (a VPN, say)',
    async look() {
      const free = await findFreeRange([]);
      if (free) return ok(`${free} is free`);
      return warn(
        'routes cover all that boshvirt would choose',
        'name a range with boshvirt up --network CIDR',
      );
    },
  },
];
