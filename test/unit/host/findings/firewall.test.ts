/** What becomes of guests' packets by rules that real programs printed: ufw's, Docker's and libvirt's in iptables, and some of nft's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { firewallVerdict } from '../../../../src/host/findings/firewall/index.ts';
import { tableOfIptables } from '../../../../src/host/findings/firewall/iptables-tables.ts';
import { tablesOfNft } from '../../../../src/host/findings/firewall/nft-tables.ts';
import { dropsOf, type Packet, type Table } from '../../../../src/host/findings/firewall/packet-fate.ts';

const recorded = (path: string) =>
  readFileSync(join(import.meta.dirname, '../../../fixtures/transcripts', path), 'utf8');
const iptables = (text: string): Table => tableOfIptables(text) ?? { bases: [], chains: new Map() };
const ufw = iptables(recorded('iptables/iptables-save-ufw-0.36.2.txt'));
const docker = recorded('iptables/iptables-save-docker-chains.txt');
const libvirt = recorded('iptables/iptables-save-libvirt-9.0.txt');
const nft = tablesOfNft(recorded('nft/list-ruleset-nftables-1.0.6.json'));

const network = { bridge: 'bv-x', gateway: '10.77.1.1', guest: '10.77.1.10', uplink: 'eth0', ports: [] };
/** A guest asks somebody out there. */
const out: Packet = {
  from: 'bv-x',
  to: 'eth0',
  source: '10.77.1.10',
  destination: '203.0.113.1',
  protocol: 'tcp',
  port: 443,
  isAnswer: false,
};
const back: Packet = {
  ...out,
  from: 'eth0',
  to: 'bv-x',
  source: out.destination,
  destination: out.source,
  isAnswer: true,
};
const asking: Packet = { ...out, to: undefined, destination: '10.77.1.1', protocol: 'udp', port: 53 };

/** The chains of libvirt before the rules of Docker: so does libvirt put them. */
const both = docker
  .replace(/^(:DOCKER )/m, `${(libvirt.match(/^:LIBVIRT.*\n/gm) ?? []).join('')}$1`)
  .replace(
    '-A FORWARD -j DOCKER-USER\n',
    (line) => `${(libvirt.match(/^-A (FORWARD|LIBVIRT_FW).*\n/gm) ?? []).join('')}${line}`,
  );

describe('iptables', () => {
  test.each([
    ['ufw', ufw, out, ['iptables -P FORWARD DROP']],
    ['ufw', ufw, back, []],
    ['ufw', ufw, asking, ['iptables -P INPUT DROP']],
    ['ufw, where a port was allowed', ufw, { ...asking, protocol: 'tcp', port: 22 }, []],
    ['Docker', iptables(docker), out, ['iptables -P FORWARD DROP']],
    ['Docker', iptables(docker), back, ['iptables -P FORWARD DROP']],
    ['Docker', iptables(docker), asking, []],
    ['Docker, its own bridge', iptables(docker), { ...out, from: 'docker0' }, []],
    ['libvirt', iptables(libvirt), out, []],
    ['libvirt', iptables(libvirt), back, []],
    [
      'libvirt, who comes from outside',
      iptables(libvirt),
      { ...back, isAnswer: false },
      [expect.stringContaining('-A LIBVIRT_FWI -o bv-x -j REJECT')],
    ],
    [
      'libvirt, what a guest has behind it',
      iptables(libvirt),
      { ...out, source: '10.244.0.34' },
      [expect.stringContaining('-A LIBVIRT_FWO -i bv-x -j REJECT')],
    ],
    ['libvirt before Docker', iptables(both), out, []],
    ['libvirt before Docker', iptables(both), back, []],
    ['nothing', iptables(''), out, []],
  ] as [string, Table, Packet, unknown[]][])('%s', (_, table, packet, drops) => {
    expect(dropsOf([table], packet)).toEqual(drops);
  });

  test.each([
    ['-i eth+ -j DROP', back, true],
    ['! -i eth0 -j DROP', back, false],
    ['-s 203.0.113.0/24 -j DROP', back, true],
    ['! -s 203.0.113.0/24 -j DROP', out, true],
    ['-p udp -j DROP', out, false],
    ['-p tcp -m tcp --dport 400:500 -j REJECT --reject-with tcp-reset', out, true],
    ['-p tcp -m multiport --dports 80,443 -j DROP', out, true],
    ['-p tcp -m tcp --dport 80 -j DROP', out, false],
    ['-m comment --comment "no -j DROP, -i bv-x" -j LOG', out, false],
    ['-m set --match-set bad src -j DROP', out, false], // whether it is in there nobody knows
    ['-m conntrack --ctstate INVALID -j DROP', out, false],
    ['-m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP', out, true],
    ['-g else', out, true],
    ['-j RETURN', out, false],
  ] as const)('a chain with %s', (rule, packet, drops) => {
    const text = `*filter\n:FORWARD ACCEPT [0:0]\n:else - [0:0]\n-A FORWARD ${rule}\n-A else -j DROP\nCOMMIT\n`;
    expect(dropsOf([iptables(text)], packet)).toHaveLength(drops ? 1 : 0);
  });

  test('a rule that cannot be told, and might let the packet through, is no finding', () => {
    const text = (target: string) =>
      `*filter\n:FORWARD DROP [0:0]\n:log - [0:0]\n-A FORWARD -m mark --mark 0x1 -j ${target}\n-A log -j LOG\nCOMMIT\n`;
    expect(dropsOf([iptables(text('ACCEPT'))], out)).toEqual([]);
    expect(dropsOf([iptables(text('log'))], out)).toEqual(['iptables -P FORWARD DROP']);
    expect(dropsOf([iptables(text('DROP'))], out)).toEqual(['iptables -P FORWARD DROP']);
  });

  test('chains that lead in circles have an end', () => {
    const text = '*filter\n:FORWARD DROP [0:0]\n:a - [0:0]\n-A FORWARD -j a\n-A a -j a\nCOMMIT\n';
    expect(dropsOf([iptables(text)], out)).toEqual([]);
  });
});

describe('nft', () => {
  test.each([
    ['a policy', { ...asking, source: '192.168.5.5' }, ['nft table inet mine, chain input: policy drop']],
    ['a named set', { ...asking, source: '10.77.1.10' }, []],
    ['a set of interfaces and a range of ports', { ...asking, protocol: 'tcp', port: 8005 }, []],
    [
      'a port that is not in it',
      { ...asking, protocol: 'tcp', port: 9000 },
      [expect.stringContaining('policy drop')],
    ],
    ['a chain that is jumped to', { ...asking, port: 67 }, []],
    ['a map of verdicts', { ...back, destination: '10.1.2.3' }, []],
    [
      'an unequal interface and a prefix',
      { ...back, destination: '10.1.2.3', isAnswer: false },
      [expect.stringMatching(/chain forward, rule \d+$/)],
    ],
    [
      'a pattern of interfaces',
      { ...out, source: '10.9.9.9' },
      [expect.stringMatching(/chain forward, rule \d+$/)],
    ],
    ['a rule behind one that cannot be told', { ...out, from: 'bv-locked' }, []],
    ['none', out, []],
  ] as [string, Packet, unknown[]][])('%s', (_, packet, drops) => {
    expect(dropsOf(nft, packet)).toEqual(drops);
  });

  /** A chain of the hook `input` that drops what none of these rules accepts, as nft 1.0.6 prints it. */
  const dropping = (...exprs: (readonly object[])[]): Table[] => {
    const place = { family: 'inet', table: 'mine' };
    const map = { ...place, name: 'ins', type: 'ifname', map: 'verdict', elem: [['bv-x', { accept: null }]] };
    const chain = { ...place, name: 'c', type: 'filter', hook: 'input', prio: 0, policy: 'drop' };
    const rules = exprs.map((expr, handle) => ({ rule: { ...place, chain: 'c', handle, expr } }));
    const table = { table: { family: 'inet', name: 'mine' } };
    return tablesOfNft(JSON.stringify({ nftables: [table, { map }, { chain }, ...rules] }));
  };
  const accepts = (left: object, right: unknown) => [{ match: { op: '==', left, right } }, { accept: null }];
  const vmap = (data: unknown) => [{ vmap: { key: { meta: { key: 'iifname' } }, data } }];

  test.each([
    ['an interface by its index', [accepts({ meta: { key: 'iif' } }, 'lo')], true],
    ['the bridge by its index', [accepts({ meta: { key: 'iif' } }, 'bv-x')], false],
    [
      'other protocols',
      [
        accepts({ payload: { protocol: 'icmp', field: 'type' } }, 'echo-request'),
        accepts({ payload: { protocol: 'icmpv6', field: 'type' } }, 'nd-router-advert'),
        accepts({ payload: { protocol: 'ip6', field: 'nexthdr' } }, 'ipv6-icmp'),
      ],
      true,
    ],
    ['a named map of verdicts', [vmap('@ins')], false],
    ['a map with others in it', [vmap({ set: [['eth0', { accept: null }]] })], true],
    ['a map that is not shown', [vmap('@outs')], false],
  ] as const)('a policy that drops, and %s before it', (_, exprs, drops) => {
    const packet = { ...asking, source: '192.168.5.5' };
    expect(dropsOf(dropping(...exprs), packet)).toHaveLength(drops ? 1 : 0);
  });

  test('leaves iptables’s own tables to iptables, and other families to others', () => {
    const table = (family: string, name: string) => ({ table: { family, name, handle: 1 } });
    const tables = [
      table('ip', 'filter'),
      table('ip6', 'mine'),
      table('bridge', 'mine'),
      table('ip', 'mine'),
    ];
    expect(tablesOfNft(JSON.stringify({ nftables: [{ metainfo: {} }, ...tables] }))).toHaveLength(1);
    expect(tablesOfNft('')).toEqual([]);
  });
});

describe('a finding', () => {
  const firewall = { iptables: ufw, others: [], manager: 'ufw', prefix: [] } as const;

  test('says what is lost, by which rule, and what the one who looks after the rules is to be told', () => {
    expect(firewallVerdict(firewall, { ...network, ports: [8443] }, true)).toEqual({
      status: 'warn',
      detail:
        'guests get no names from this machine (iptables -P INPUT DROP); guests do not reach port 8443 of this machine (iptables -P INPUT DROP); ' +
        'guests do not get out of this machine (iptables -P FORWARD DROP)',
      fix: 'ufw allow in on bv-x && ufw route allow in on bv-x && ufw route allow out on bv-x',
    });
  });

  test('is none before libvirt’s own rules are there, which stand before those of iptables', () => {
    expect(firewallVerdict(firewall, network, false)).toMatchObject({ status: 'ok' });
    const { fix } = firewallVerdict(
      { ...firewall, others: nft, manager: 'docker' },
      { ...network, guest: '10.9.9.9' },
      false,
    );
    expect(fix).toContain('iifname "bv-x" accept');
  });

  test('is none of what goes out where nothing goes out', () => {
    const { detail } = firewallVerdict(firewall, { ...network, uplink: undefined }, true);
    expect(detail).toBe('guests get no names from this machine (iptables -P INPUT DROP)');
  });

  test('of firewalld and of Docker has their own commands', () => {
    const fix = (manager: 'firewalld' | 'docker' | 'nobody') =>
      firewallVerdict({ ...firewall, manager }, network, true).fix;
    expect(fix('firewalld')).toContain('--zone=libvirt --add-interface=bv-x');
    expect(fix('docker')).toContain('iptables -I DOCKER-USER -i bv-x -j ACCEPT');
    expect(fix('nobody')).toContain('iptables -I FORWARD -i bv-x -j ACCEPT');
  });

  test('of a private host’s network is mended there, not on the machine', () => {
    const there = { ...firewall, manager: 'nobody', prefix: ['nsenter', '--net=/run/netns/x'] } as const;
    const { fix } = firewallVerdict(there, network, true);
    expect(fix?.split(' && ')).toEqual([
      'nsenter --net=/run/netns/x iptables -I FORWARD -i bv-x -j ACCEPT',
      'nsenter --net=/run/netns/x iptables -I FORWARD -o bv-x -j ACCEPT',
      'nsenter --net=/run/netns/x iptables -I INPUT -i bv-x -j ACCEPT',
    ]);
  });
});
