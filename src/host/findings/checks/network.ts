import { readUplink } from '../../../clients/iproute/index.ts';
import { messageOf } from '../../../platform/errors.ts';
import { type Check, ok, warn } from '../../../platform/finding.ts';
import { run, which } from '../../../platform/process.ts';
import { firewallVerdict, readFirewall } from '../firewall/index.ts';
import { installCommand } from '../install.ts';
import { findFreeRange } from '../ranges.ts';
import { isRoot } from './privileges.ts';

/** As `up` would lay it. */
const usualNetwork = {
  bridge: 'bv-default',
  gateway: '192.168.150.1',
  guest: '192.168.150.10',
  ports: [],
};

export const networkChecks: readonly Check[] = [
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
    id: 'network.firewall',
    title: 'firewall',
    why: 'what its rules drop no rule of libvirt’s lets through: guests on the machine’s own libvirt would reach nobody',
    async look() {
      if (!isRoot()) return ok('not looked at without root');
      return firewallVerdict(await readFirewall(), { ...usualNetwork, uplink: await readUplink() }, false);
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
