/**
 * Networks: those that a director has made for it, and what VMs get of networks. The CPI is called as bosh calls it; what came of it is
 * asked of virsh, of the guest, and of the host's network, by its own tools.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/cpi/backend.ts';
import { LibvirtHost } from '../../src/cpi/on-libvirt/libvirt-host.ts';
import { renderForwards, withoutForwards } from '../../src/cpi/on-libvirt/networks/forward-host.ts';
import { dialThroughNetns } from '../../src/host/forward.ts';
import { privateHostNames } from '../../src/host/private-host/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { addressOf, CpiHost, gateway, networkAt } from '../support/cpi-host.ts';
import { ProbeGuests } from '../support/probe-guests.ts';
import { SmallVms } from '../support/small-vms.ts';

/** Ports of the host's that lead to the guest: to its ssh server, and to nobody. */
const ports = [{ host: 8022, guest: 22 }, { host: '9000-9009' }];
/** The last number of the guest's address on the environment's network. */
const a = 11;

let host: CpiHost;
let cpi: BoshCpi;
let guests: ProbeGuests;
let small: SmallVms;
/** The guest. */
let vm: string;

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  guests = await ProbeGuests.prepare(host, [a]);
  small = await SmallVms.on(host);
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

interface Made {
  readonly cid: string;
  readonly range: string;
  readonly gateway: string;
  readonly reserved: readonly string[];
  readonly properties: JsonObject;
}

async function createNetwork(mode: string, more: object = {}): Promise<Made> {
  const request = { type: 'manual', cloud_properties: { mode }, ...more };
  const [cid, addresses, properties] = (await cpi.call('create_network', request)) as [
    string,
    Made,
    JsonObject,
  ];
  return { ...addresses, cid, properties };
}

const networkXml = async (name: string) => await host.virsh('net-dumpxml', name);
const networkNames = async () => (await host.virsh('net-list', '--all', '--name')).split('\n').sort();
/** Runs a program in the hosts' network. */
const onHost = async (...argv: string[]) =>
  (await run([...host.road.commandPrefix, ...argv] as [string, ...string[]], { okExitCodes: [1] })).stdout;

describe('a network for a director', () => {
  test('is made as asked, runs, and says whose it is', async () => {
    const { cid, ...made } = await createNetwork('nat', { range: '10.20.0.0/24', gateway: '10.20.0.254' });
    expect(made).toEqual({
      range: '10.20.0.0/24',
      gateway: '10.20.0.254',
      reserved: ['10.20.0.254'],
      properties: { mode: 'nat', name: cid },
    });
    const xml = await networkXml(cid);
    expect(xml).toContain("<forward mode='nat'>");
    expect(xml).toContain("<ip family='ipv4' address='10.20.0.254' prefix='24'>");
    expect(xml).toMatch(/boshvirt:network [^>]*version="1" environment="test"/);
    expect(await host.virsh('net-info', cid)).toMatch(/Active: +yes\nPersistent: +yes\nAutostart: +yes/);
    for (const _ of [1, 2]) await cpi.call('delete_network', cid);
    expect(await networkNames()).not.toContain(cid);
  });

  test('whoever names no range gets one of the size, also many at once', async () => {
    const made = await Promise.all(
      [25, 25, 25, 26].map((bits) => createNetwork('isolated', { netmask_bits: bits })),
    );
    expect(made.map(({ range }) => range.split('/')[1])).toEqual(['25', '25', '25', '26']);
    expect(new Set(made.map(({ range }) => range)).size).toBe(4);
    const taken = made[0]?.range.replace('/25', '/24').replace('.128/', '.0/');
    const { type, message } = await cpi.failure('create_network', { range: taken, cloud_properties: {} });
    expect([type, message]).toEqual(['CloudError', expect.stringContaining(`overlaps ${made[0]?.range}`)]);
    await Promise.all(made.map(({ cid }) => cpi.call('delete_network', cid)));
  });

  test('what cannot be made is refused, and leaves nothing', async () => {
    const before = await networkNames();
    const refusal = async (request: object) => {
      const { type, message } = await cpi.failure('create_network', { cloud_properties: {}, ...request });
      return `${type}: ${message.split('\n')[0]}`;
    };
    expect(await refusal({ cloud_properties: { mode: 'bridge', bridge: 'br0' } })).toMatch(
      /^NotSupported: .*bridge/,
    );
    expect(await refusal({ range: '10.20.0.1/24' })).toContain("'10.20.0.1/24' is no range");
    expect(await refusal({ range: '10.20.0.0/24', gateway: '10.21.0.1' })).toContain('gateway 10.21.0.1');
    expect(await refusal({ gateway: '10.21.0.1' })).toContain('needs a range');
    expect(await refusal({ cloud_properties: { mode: 'open' } })).toContain('cloud_properties.mode: ');
    // an address of the host's own that libvirt does not know: it refuses to start the network
    await onHost('ip', 'link', 'add', 'vpn0', 'type', 'bridge');
    await onHost('ip', 'addr', 'add', '10.22.0.1/24', 'dev', 'vpn0');
    await onHost('ip', 'link', 'set', 'vpn0', 'up');
    expect(await refusal({ range: '10.22.0.0/24' })).toMatch(/Making network net-.*in use by interface vpn0/);
    expect(await networkNames()).toEqual(before);
  });
});

describe('a dynamic network', () => {
  const dynamic = { default: { type: 'dynamic', dns: [gateway], cloud_properties: {} } };
  const create = async () => {
    const answer = await cpi.call('create_vm', ...small.request({ networks: dynamic }));
    const [cid, networks] = answer as unknown as [string, { default: { ip: string; mac: string } }];
    return { cid, ...networks.default };
  };
  const hosts = async () => (await networkXml(host.config.network)).match(/<host mac=.*/g) ?? [];

  test('eight VMs at once have eight addresses, which DHCP keeps for them until they go', async () => {
    const vms = await Promise.all(Array.from({ length: 8 }, create));
    expect(new Set(vms.map(({ ip }) => ip)).size).toBe(8);
    const kept = (await hosts()).join();
    for (const { cid, ip, mac } of vms) {
      expect(kept).toMatch(new RegExp(`<host mac='${mac}' name='${cid}-qemu-0' ip='${ip}'`));
      expect(Number(ip.split('.')[3])).toBeGreaterThan(127); // the lower half is for manual networks
    }
    await Promise.all(vms.map(({ cid }) => cpi.call('delete_vm', cid)));
    expect(await hosts()).toEqual([]);
  });

  test('an address of a VM that is gone is free again, and a manual one cannot take a VM’s', async () => {
    const network = host.config.network;
    const left = "<host mac='52:54:00:99:99:99' name='vm-99999999999999999-qemu-0' ip='10.244.78.200'/>";
    await host.virsh('net-update', network, 'add', 'ip-dhcp-host', left, '--live', '--config');
    const { cid, ip, ...told } = await create();
    expect(told).toMatchObject({ type: 'dynamic', netmask: '255.255.255.0', gateway });
    expect((await hosts()).join()).not.toContain('99:99:99');
    const manual = { default: { ...networkAt(9), ip } };
    const { type, retry, message } = await cpi.failure('create_vm', ...small.request({ networks: manual }));
    expect([type, retry, message]).toEqual(['VMCreationFailed', true, expect.stringContaining(`VM ${cid}`)]);
    await cpi.call('delete_vm', cid);
  });
});

describe('a guest with many networks', () => {
  let nat: Made;
  let isolated: Made;
  let v6: Made;
  let networks: Readonly<Record<string, { ip: string; mac: string }>>;
  const net = (name: number) => ({
    type: 'manual',
    netmask: '255.255.255.0',
    cloud_properties: { name: 'dual' },
    nic_group: name,
  });

  beforeAll(async () => {
    await defineNetwork(
      'dual',
      `<forward mode="route"/><bridge name="dual0"/><ip address="10.23.0.1" prefix="24"/><ip family="ipv6" address="fd23::1" prefix="64"/>`,
    );
    [nat, isolated, v6] = await Promise.all([
      createNetwork('nat', { netmask_bits: 24 }),
      createNetwork('isolated', { range: '10.24.0.0/24' }),
      createNetwork('nat', { range: 'fd25::/64' }),
    ]);
    const stemcell = String(await cpi.call('create_stemcell', guests.imagePath, { disk: 1024 }));
    const [agentId, cid, size, , disks, env] = guests.request('agent-a', stemcell, a);
    const request = {
      dynamic: { type: 'dynamic', cloud_properties: nat.properties },
      v4: { ...net(7), ip: '10.23.0.6' },
      isolated: {
        type: 'manual',
        ip: '10.24.0.6',
        netmask: '255.255.255.0',
        cloud_properties: isolated.properties,
      },
      v6: { ...net(7), ip: 'fd23::6', netmask: 'ffff:ffff:ffff:ffff::', prefix: '64' },
      default: { ...networkAt(a), cloud_properties: { ports } },
      alone: { type: 'manual', ip: 'fd25::6', prefix: '64', cloud_properties: v6.properties },
    };
    const answer = await cpi.call('create_vm', agentId, cid, size, request, disks, env);
    [vm, networks] = answer as unknown as [string, typeof networks];
    await guests.awake(a);
  });

  test('has its NICs in the request’s order, the gateway’s first, with the addresses that BOSH was told', async () => {
    const nics = ['default', 'dynamic', 'v4', 'isolated', 'alone'];
    const macs = nics.map((name) => networks[name]?.mac);
    expect(networks.v6?.mac).toBe(networks.v4?.mac);
    expect(new Set(macs).size).toBe(5);
    expect((await guests.shell(a, 'cat /sys/class/net/eth?/address')).split('\n')).toEqual(macs);
    const addresses = async () => await guests.shell(a, 'ip -o addr');
    const expected = [
      [0, `${addressOf(a)}/24`],
      [1, `${networks.dynamic?.ip}/24`],
      [2, '10.23.0.6/24'],
      [2, 'fd23::6/64'],
      [3, '10.24.0.6/24'],
      [4, 'fd25::6/64'],
    ] as const;
    for (const [nic, address] of expected)
      expect(await addresses()).toMatch(new RegExp(`eth${nic} +inet6? ${address}`));
    expect(await guests.shell(a, 'ip route | grep ^default')).toBe(`default via ${gateway} dev eth0`);
  });

  test('answers the host at each of them', async () => {
    for (const { ip } of Object.values(networks)) {
      const answers = async () =>
        (await onHost('busybox', 'ping', '-c1', '-W1', ip)).includes(' 0% packet loss') ? true : undefined;
      expect(await waitFor(answers, { timeoutMs: 10_000 }), ip).toBe(true); // an IPv6 address is looked at for a moment first
    }
  });

  test('gets out by nat and by a routed network, and not by an isolated one', async () => {
    // what the host sends to `out0` has left the machine, as far as it knows; the rule counts the guest's
    const rule = ['POSTROUTING', '-o', 'out0', '-p', 'icmp'];
    await onHost('ip', 'link', 'add', 'out0', 'type', 'bridge');
    await onHost('ip', 'link', 'set', 'out0', 'arp', 'off', 'up');
    await onHost('ip', 'route', 'add', '203.0.113.0/24', 'dev', 'out0');
    await onHost('iptables', '-t', 'mangle', '-A', ...rule);
    const sent = async () => {
      const rules = await onHost('iptables-save', '-t', 'mangle', '-c');
      return Number(/^\[(\d+):\d+\] -A POSTROUTING -o out0/m.exec(rules)?.[1]);
    };
    const leaves = async (via: string, device: string) => {
      const before = await sent();
      await guests.shell(
        a,
        `ip route replace 203.0.113.9 via ${via} dev ${device}; ping -c2 -W1 203.0.113.9 || true`,
      );
      return (await sent()) - before;
    };
    expect(await leaves(nat.gateway, 'eth1')).toBe(2);
    expect(await leaves('10.23.0.1', 'eth2')).toBe(2);
    expect(await leaves(isolated.gateway, 'eth3')).toBe(0);
  });

  test('keeps its networks from being deleted, and its address however it is written', async () => {
    await cpi.call('set_vm_metadata', vm, { name: 'web/0', deployment: 'cf' });
    const { message } = await cpi.failure('delete_network', nat.cid);
    expect(message).toContain(`while VMs are on it: ${vm}`);
    const same = { default: { ...networkAt(9), ip: 'FD23:0::0006', cloud_properties: { name: 'dual' } } };
    const taken = await cpi.failure('create_vm', ...small.request({ networks: same }));
    expect(taken).toMatchObject({ type: 'VMCreationFailed', retry: true });
    expect(taken.message).toContain(`Address fd23::6 on network dual is in use by VM ${vm} (web/0 of cf)`);
    expect(await host.vmNames()).toEqual([vm]);
  });
});

describe('ports of the host', () => {
  const forwarding = (number: number, ports: readonly object[]) => ({
    default: { ...networkAt(number), cloud_properties: { ports } },
  });
  /** The rules of the environment's own chains. */
  const rules = async () =>
    (await onHost('iptables-save')).split('\n').filter((line) => line.includes('BOSHVIRT_'));
  const isOpen = async (netns: string, address: string, port: number) =>
    await dialThroughNetns(netns, address, port, { timeoutMs: 5000 }).then(
      (stream) => stream.destroy().destroyed,
      () => false,
    );

  test('lead to the VM for the host, its neighbours and machines beyond', async () => {
    const { netnsName, netnsPath } = privateHostNames(host.libvirtd.folder);
    const far = `${netnsName}-far`;
    const farPath = `/run/netns/${far}`;
    const onFar = async (...argv: string[]) => await run(['ip', 'netns', 'exec', far, ...argv]);
    /** A cable from the host's network to the other one, with the far end's address. */
    const cable = async (name: string, address: string) => {
      await onHost(
        'ip',
        'link',
        'add',
        name,
        'up',
        'type',
        'veth',
        'peer',
        'name',
        `${name}-far`,
        'netns',
        far,
      );
      await onFar('ip', 'addr', 'add', address, 'dev', `${name}-far`);
      await onFar('ip', 'link', 'set', `${name}-far`, 'up');
    };
    await run(['ip', 'netns', 'add', far]);
    try {
      await cable('beyond', '198.51.100.2/24');
      await onHost('ip', 'addr', 'add', '198.51.100.1/24', 'dev', 'beyond');
      expect(await isOpen(farPath, '198.51.100.1', 8022)).toBe(true);
      expect(await isOpen(farPath, '198.51.100.1', 8023)).toBe(false);
      await cable('beside', `${addressOf(77)}/24`);
      await onHost('ip', 'link', 'set', 'beside', 'master', host.config.network);
      expect(await isOpen(farPath, gateway, 8022)).toBe(true);
    } finally {
      await run(['ip', 'netns', 'delete', far]);
    }
    expect(await isOpen(netnsPath, gateway, 8022)).toBe(true);
  });

  test('belong to one VM, and are not taken from the host’s programs', async () => {
    const networks = forwarding(12, [{ host: 9005 }]);
    const { type, message, retry } = await cpi.failure('create_vm', ...small.request({ networks }));
    expect([type, retry]).toEqual(['VMCreationFailed', true]);
    expect(message).toContain(`The host's port tcp 9005 leads to VM ${vm} (web/0 of cf) already`);
    const dns = forwarding(12, [{ host: 53 }]);
    const used = await cpi.failure('create_vm', ...small.request({ networks: dns }));
    expect(used.message).toContain("The host's port tcp 53: a program of the host's listens on 53");
    expect(await host.vmNames()).toEqual([vm]);
  });

  test('come back after the host has lost them, stay for others, and go with the VM', async () => {
    const udp = forwarding(12, [{ host: 7000, protocol: 'udp' }]);
    const second = await small.create(12, { networks: udp });
    const before = await rules();
    expect(before.join()).toContain(`--dport 7000 -m comment --comment ${second} -j DNAT`);
    await onHost('iptables', '-t', 'nat', '-F');
    await host.withBackend(async ({ ground }) => {
      expect((await ground.inventory()).networkActive).toBe(false);
      await ground.revive();
      expect((await ground.inventory()).networkActive).toBe(true);
    });
    expect(await rules()).toEqual(before);
    await cpi.call('delete_vm', vm);
    expect((await rules()).join()).not.toContain(vm);
    expect((await rules()).join()).toContain(second);
    await cpi.call('delete_vm', second);
    expect(await rules()).toEqual([]);
  });

  test('are not brought back by another process while their VM goes', async () => {
    const cid = await small.create(12, { networks: forwarding(12, [{ host: 7001 }]) });
    await using goes = await LibvirtHost.open(host.config, silentLog);
    await using other = await LibvirtHost.open(host.config, silentLog);
    let written: Promise<void> | undefined;
    await withoutForwards(goes, cid, async () => {
      written = renderForwards(other);
      for (const act of ['destroy', 'undefine']) await host.virsh(act, cid);
    });
    await written;
    expect(await rules()).toEqual([]);
    await cpi.call('delete_vm', cid);
  });

  test('are refused where they cannot be, with what to do', async () => {
    const blind = await host.cpiWith('blind', { networkNamespace: undefined });
    const unknown = await blind.failure('create_vm', ...small.request({ networks: forwarding(9, ports) }));
    const hint = expect.stringContaining('network_namespace: ');
    expect([unknown.type, unknown.message]).toEqual(['NotSupported', hint]);
    const properties = { mode: 'bridge', bridge: host.config.network, ports };
    const networks = { n: { ...networkAt(9), cloud_properties: properties } };
    const bridged = await cpi.failure('create_vm', ...small.request({ networks }));
    expect([bridged.type, bridged.message]).toEqual(['NotSupported', expect.stringContaining('mode bridge')]);
    const vip = { type: 'vip', cloud_properties: { ports } };
    const behind = { n: { ...networkAt(9), cloud_properties: { ...properties, ports: [] } }, vip };
    const hidden = await cpi.failure('create_vm', ...small.request({ networks: behind }));
    expect([hidden.type, hidden.message]).toEqual([
      'NotSupported',
      expect.stringMatching(/networks.n: .*bridge/),
    ]);
    const own = { networks: { n: { ...networkAt(9), cloud_properties: { ...properties, ports: [] } } } };
    const typed = await cpi.failure('create_vm', ...small.request({ ...own, properties: { ports } }));
    expect([typed.type, typed.message]).toEqual([
      'NotSupported',
      expect.stringMatching(/^cloud_properties\.ports: networks\.n: .*mode bridge/),
    ]);
    const twice = forwarding(9, [{ host: 9005 }, { host: '9000-9010' }]);
    const double = await cpi.failure('create_vm', ...small.request({ networks: twice }));
    expect([double.type, double.message]).toEqual([
      'CloudError',
      expect.stringContaining('tcp 9000-9010 is asked for twice'),
    ]);
    expect(await rules()).toEqual([]);
  });

  test('are what a vip has to give: at its address alone, where the host has it', async () => {
    const vip = { type: 'vip', ip: '198.51.100.9', cloud_properties: { ports: [{ host: 22 }] } };
    const cid = await small.create(9, { networks: { vip, default: networkAt(9) } });
    expect((await rules()).join()).toMatch(
      /-d 198\.51\.100\.9\/32 -p tcp .*--dport 22 .*-j DNAT --to-destination 10\.244\.78\.9,/,
    );
    expect(await host.virsh('domiflist', cid)).not.toMatch(/\n/); // no NIC of its own
    await cpi.call('delete_vm', cid);
  });
});

test('what VMs cannot have is refused with the network’s name', async () => {
  const refusal = async (network: object, more: object = {}) => {
    const networks = { n: { ...networkAt(9), ...network }, ...more };
    const { type, message, retry } = await cpi.failure('create_vm', ...small.request({ networks }));
    expect(retry).toBe(false);
    return `${type}: ${message}`;
  };
  expect(await refusal({ type: 'vip' })).toMatch(/^NotSupported: .*'n'.*vip/);
  expect(await refusal({ ip: gateway })).toMatch(/^VMCreationFailed: networks.n.ip: .*host’s own/);
  expect(await refusal({ ip: addressOf(255) })).toMatch(/^VMCreationFailed: networks.n.ip: .*network itself/);
  expect(await refusal({ ip: 'x' })).toMatch(/^VMCreationFailed: networks.n.ip: .*got x/);
  expect(await refusal({ cloud_properties: { name: 'nowhere' } })).toMatch(/^NetworkNotFound: .*'nowhere'/);
  expect(await refusal({ cloud_properties: { mode: 'isolated' } })).toMatch(
    /^NotSupported: networks.n.*mode/,
  );
  expect(await refusal({ cloud_properties: { mode: 1 } })).toMatch(
    /^CloudError: networks.n.cloud_properties.mode: /,
  );
  const bridge = { mode: 'bridge', bridge: host.config.network };
  expect(await refusal({ type: 'dynamic', cloud_properties: bridge })).toMatch(/^NotSupported: .*'n'.*DHCP/);
  const groups = { nic_group: 1 };
  const elsewhere = { ...networkAt(10), ...groups, cloud_properties: { name: 'dual' } };
  expect(await refusal(groups, { m: elsewhere })).toMatch(/^CloudError: Networks 'n' and 'm' share a NIC/);
});

test('a VM can be on a bridge of the host’s own', async () => {
  const { network } = host.config; // the bridge has its name
  const properties = { mode: 'bridge', bridge: network };
  const cid = await small.create(9, { networks: { n: { ...networkAt(9), cloud_properties: properties } } });
  expect(await host.virsh('domiflist', cid)).toMatch(new RegExp(`bridge +${network} +virtio`));
  await cpi.call('delete_vm', cid);
});

test('down leaves none of an environment’s networks, and up starts those that are off', async () => {
  const { cid } = await createNetwork('routed', { range: '10.26.0.0/24' });
  expect(await networkXml(cid)).toContain("<forward mode='route'/>");
  await host.virsh('net-destroy', cid);
  await host.withBackend(async ({ ground }) => {
    expect((await ground.inventory()).networks).toContain(cid);
    await ground.revive();
    expect(await host.virsh('net-list', '--name')).toContain(cid);
    await ground.clear();
  });
  expect(await networkNames()).toEqual(['dual']);
});

async function defineNetwork(name: string, inside: string): Promise<void> {
  const path = join(host.libvirtd.folder, `${name}.xml`);
  await writeFile(path, `<network><name>${name}</name>${inside}</network>`);
  await host.virsh('net-define', path);
  await host.virsh('net-start', name);
}
