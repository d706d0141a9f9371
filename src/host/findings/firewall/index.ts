import { ok, type Verdict, warn } from '../../../platform/finding.ts';
import { dropsOf, type Packet } from './packet-fate.ts';
import type { Firewall, FirewallManager } from './read-firewall.ts';

export { readFirewall } from './read-firewall.ts';

/** A network of guests, as a firewall sees it. */
export interface GuestNetwork {
  readonly bridge: string;
  readonly gateway: string;
  /** A guest's address. */
  readonly guest: string;
  /** The interface by which the machine reaches others; undefined if it reaches nobody. */
  readonly uplink: string | undefined;
  /** Ports of the machine's that guests ask, beside its names. */
  readonly ports: readonly number[];
}

/** An address that no network has (RFC 5737). */
const somewhere = '203.0.113.1';

interface Way {
  /** What people lose with it. */
  readonly what: string;
  readonly packet: Packet;
}

function waysOf({ bridge, gateway, guest, uplink, ports }: GuestNetwork): Way[] {
  const names = {
    from: bridge,
    to: undefined,
    source: guest,
    destination: gateway,
    isAnswer: false,
  } as const;
  const inwards: Way[] = [
    { what: 'guests get no names from this machine', packet: { ...names, protocol: 'udp', port: 53 } },
    ...ports.map((port) => ({
      what: `guests do not reach port ${port} of this machine`,
      packet: { ...names, protocol: 'tcp' as const, port },
    })),
  ];
  if (uplink === undefined) return inwards;
  const outwards = { protocol: 'tcp', port: 443 } as const;
  return [
    ...inwards,
    {
      what: 'guests do not get out of this machine',
      packet: {
        ...outwards,
        from: bridge,
        to: uplink,
        source: guest,
        destination: somewhere,
        isAnswer: false,
      },
    },
    {
      what: 'answers do not get back to guests',
      packet: {
        ...outwards,
        from: uplink,
        to: bridge,
        source: somewhere,
        destination: guest,
        isAnswer: true,
      },
    },
  ];
}

/** Whether a firewall lets through what a network's guests live by. `running`: libvirt has its own rules for it in iptables by now. */
export function firewallVerdict(firewall: Firewall, network: GuestNetwork, running: boolean): Verdict {
  const tables = [...firewall.others, ...(running && firewall.iptables ? [firewall.iptables] : [])];
  const lost = waysOf(network).flatMap(({ what, packet }) =>
    dropsOf(tables, packet).map((rule) => ({ what, rule })),
  );
  if (lost.length === 0) return ok(`nothing is dropped of what goes over ${network.bridge}`);
  const detail = lost.map(({ what, rule }) => `${what} (${rule})`).join('; ');
  return warn(
    detail,
    fixFor(
      firewall,
      network.bridge,
      lost.map(({ rule }) => rule),
    ),
  );
}

/** What whoever looks after the rules is to be told; iptables and its users do not see those that nft alone knows. */
function fixFor(
  { manager, prefix }: Pick<Firewall, 'manager' | 'prefix'>,
  bridge: string,
  rules: readonly string[],
): string {
  const inside = (command: string): string => [...prefix, command].join(' ');
  if (manager !== 'firewalld' && rules.every((rule) => rule.startsWith('nft ')))
    return `before that rule, in the same chain (${inside('nft -a list ruleset')}): iifname "${bridge}" accept; for answers, in a forward chain: oifname "${bridge}" accept`;
  return commands[manager](bridge).map(inside).join(' && ');
}

const commands: Readonly<Record<FirewallManager, (bridge: string) => readonly string[]>> = {
  firewalld: (bridge) => [
    `firewall-cmd --permanent --zone=libvirt --add-interface=${bridge}`,
    'firewall-cmd --reload',
  ],
  ufw: (bridge) =>
    ['allow in', 'route allow in', 'route allow out'].map((words) => `ufw ${words} on ${bridge}`),
  docker: (bridge) => ['-i', '-o'].map((side) => `iptables -I DOCKER-USER ${side} ${bridge} -j ACCEPT`),
  nobody: (bridge) =>
    ['FORWARD -i', 'FORWARD -o', 'INPUT -i'].map((words) => `iptables -I ${words} ${bridge} -j ACCEPT`),
};
