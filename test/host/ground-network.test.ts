/**
 * What leads to an environment's guests: the host's route to what lies behind one, and names that its dnsmasq answers, on a host
 * without any way to the internet. A container is the guest; what came of it is asked of the kernel, of dnsmasq by a resolver of its
 * own, and of the guest.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend, GroundPlan } from '../../src/cpi/backend.ts';
import { backendModule } from '../../src/cpi/backends/registry.ts';
import { dialThroughNetns } from '../../src/host/forward.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { addressOf, CpiHost, gateway } from '../support/cpi-host.ts';
import { ProbeGuests } from '../support/probe-guests.ts';

/** The last number of the guest's address. */
const a = 11;
const inner = '10.250.0.34';
const route = `10.250.0.0/16 via ${addressOf(a)}`;
const ways = {
  routes: [{ cidr: '10.250.0.0/16', via: addressOf(a) }],
  wildcards: [{ domain: 'sys.bosh.test', ip: inner }],
};

let host: CpiHost;
let guests: ProbeGuests;
let plan: GroundPlan;

beforeAll(async () => {
  host = await CpiHost.start('lxc');
  guests = await ProbeGuests.prepare(host, [a]);
  const { poolPath, config } = host;
  plan = { poolPath, bridge: config.network, gateway, prefixLength: 24, domain: 'bosh.test' };
  const stemcell = await host.cpi.call('create_stemcell', guests.imagePath, {});
  await host.cpi.call('create_vm', ...guests.request('agent-a', stemcell, a));
  await guests.awake(a);
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

/** Runs a program in the host's network; gives what it printed. */
const onHost = async (...argv: string[]) =>
  (await run([...host.road.commandPrefix, ...argv] as [string, ...string[]])).stdout.trim();
const routes = async () =>
  (await onHost('ip', 'route', 'show')).split('\n').filter((line) => line.includes(' via '));
const ground = async <T>(act: (ground: Backend['ground']) => Promise<T>) =>
  await host.withBackend(async (backend) => await act(backend.ground));
const prepare = async (more: Partial<GroundPlan>) =>
  await ground((each) => each.prepare({ ...plan, ...more }));

/** What a resolver that knows no cache and no hosts file is told of a name: addresses, or an error's code. */
async function asked(kind: 'resolve4' | 'resolve6', name: string): Promise<string> {
  const program = `const r = new (require('dns').promises.Resolver)({ timeout: 2000, tries: 1 });
    r.setServers(['${gateway}']);
    r.${kind}('${name}').then((found) => console.log(found.join()), (error) => console.log(error.code))`;
  return await onHost(process.execPath, '-e', program);
}

describe('a guest that is there already', () => {
  test('can be reached by what lies behind it, from the host, once the plan says so', async () => {
    await guests.shell(a, `ip address add ${inner}/32 dev lo`);
    await prepare(ways);
    expect(await routes()).toEqual([expect.stringContaining(route)]);
    const stream = await dialThroughNetns(host.config.networkNamespace, inner, 22, { timeoutMs: 5_000 });
    expect(String((await once(stream, 'data'))[0])).toMatch(/^SSH-2\.0-/);
    stream.destroy();
  });

  test('was not cut off by its network’s restart, and the network is the same one', async () => {
    await guests.agent(a).ping({ timeoutMs: 2_000 });
    const before = await host.virsh('net-dumpxml', host.config.network);
    await prepare(ways);
    expect(await host.virsh('net-dumpxml', host.config.network)).toBe(before);
  });

  test.each([
    ['any name of the domain', 'resolve4', 'anything.at.all.sys.bosh.test', inner],
    ['the domain itself', 'resolve4', 'sys.bosh.test', inner],
    ['IPv6: there is the name, and no address', 'resolve6', 'api.sys.bosh.test', 'ENODATA'],
    ['other names of the environment', 'resolve4', 'other.bosh.test', 'ENOTFOUND'],
    ['names of others, at once though nobody is there to be asked', 'resolve4', 'example.com', 'EREFUSED'],
  ] as const)('names, asked from the host: %s', async (_, kind, name, answer) => {
    expect(await asked(kind, name)).toBe(answer);
  });

  test('names, asked from the guest', async () => {
    expect(await guests.shell(a, 'cat /etc/resolv.conf')).toContain(`nameserver ${gateway}`);
    expect(await guests.shell(a, 'nslookup api.sys.bosh.test')).toContain(inner);
    expect(await guests.shell(a, 'nslookup other.bosh.test || true')).toContain("can't find");
  });

  test('a route that somebody deleted is missed, and brought back', async () => {
    await onHost('ip', 'route', 'del', '10.250.0.0/16');
    expect(await ground((each) => each.inventory())).toMatchObject({ networkActive: false });
    const report = await ground((each) => each.revive());
    expect(report).toContainEqual({
      part: 'network',
      name: host.config.network,
      found: `running, without its route ${route}`,
      done: 'brought back what it lacked',
    });
    expect(await routes()).toEqual([expect.stringContaining(route)]);
    expect(await ground((each) => each.inventory())).toMatchObject({ networkActive: true });
    expect((await ground((each) => each.revive())).filter(({ done }) => done !== undefined)).toEqual([]);
  });

  test('is plugged in again where somebody stopped the network under it', async () => {
    await host.virsh('net-destroy', host.config.network);
    await host.virsh('net-start', host.config.network);
    await expect(guests.agent(a).ping({ timeoutMs: 500 })).rejects.toThrow();
    await ground((each) => each.revive());
    await guests.agent(a).ping({ timeoutMs: 5_000 });
    expect(await routes()).toEqual([expect.stringContaining(route)]);
  });

  test('another route and another domain take the place of the old ones', async () => {
    const other = {
      ...plan,
      routes: [{ cidr: '10.251.0.0/16', via: addressOf(a) }],
      wildcards: [{ domain: 'apps.test', ip: '10.251.0.34' }],
    };
    // who does not know where the bridge is does not cut guests off
    const { networkNamespace: _, ...blind } = host.config;
    await using backend = await (await backendModule('lxc')).open(
      { ...blind, networkNamespace: undefined },
      silentLog,
    );
    expect(await backend.ground.prepare(other)).toEqual([
      expect.stringMatching(/was defined anew/),
      expect.stringMatching(/only after its next start, .* it is not known in which network/),
    ]);
    await guests.agent(a).ping({ timeoutMs: 2_000 });
    expect(await prepare(other)).toEqual([expect.stringMatching(/was started again .*; its guest stays$/)]);
    expect(await prepare(other)).toEqual([]);
    expect(await routes()).toEqual([expect.stringContaining('10.251.0.0/16 via')]);
    expect(await asked('resolve4', 'x.apps.test')).toBe('10.251.0.34');
    expect(await asked('resolve4', 'x.sys.bosh.test')).toBe('ENOTFOUND');
    await guests.agent(a).ping({ timeoutMs: 2_000 });
  });
});

test('a route that somebody else took while the network was down is told of, by name', async () => {
  await host.virsh('net-destroy', host.config.network);
  await onHost('ip', 'link', 'add', 'late0', 'type', 'bridge');
  await onHost('ip', 'link', 'set', 'late0', 'up');
  await onHost('ip', 'route', 'add', '10.251.0.0/16', 'dev', 'late0');
  await expect(ground((each) => each.revive())).rejects.toMatchObject({
    code: 'ADDRESS_CONFLICT',
    message: expect.stringContaining("'late0'"),
  });
  await onHost('ip', 'link', 'del', 'late0');
  await ground((each) => each.revive());
  await guests.agent(a).ping({ timeoutMs: 5_000 });
});

describe('a range that somebody has is refused, by whom, before anything is made', () => {
  const refusal = async (more: Partial<GroundPlan>) => {
    const config = { ...host.config, storagePool: 'other', network: 'other', environment: 'other' };
    const other = { ...plan, poolPath: `${host.poolPath}-other`, bridge: 'other', gateway: '10.60.0.1' };
    await using backend = await (await backendModule('lxc')).open(config, silentLog);
    const error = await backend.ground.prepare({ ...other, ...more }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(await host.virsh('net-list', '--all', '--name')).not.toContain('other');
    expect(await host.virsh('pool-list', '--all', '--name')).not.toContain('other');
    expect(error).toMatchObject({ code: 'ADDRESS_CONFLICT' });
    return (error as Error).message;
  };
  const via = '10.60.0.10';

  beforeAll(async () => {
    await onHost('ip', 'link', 'add', 'lan0', 'type', 'bridge');
    await onHost('ip', 'address', 'add', '10.62.7.1/24', 'dev', 'lan0'); // it stays down
    await onHost('ip', 'link', 'add', 'vpn0', 'type', 'bridge');
    await onHost('ip', 'link', 'set', 'vpn0', 'up');
    await onHost('ip', 'address', 'add', '10.63.0.1/32', 'dev', 'vpn0');
    await onHost('ip', 'route', 'add', '10.64.0.0/14', 'dev', 'vpn0');
    const xml =
      "<network><name>asleep</name><bridge name='asleep'/><ip address='10.69.4.1' prefix='25'/></network>";
    await writeFile(join(host.libvirtd.folder, 'asleep.xml'), xml);
    await host.virsh('net-define', join(host.libvirtd.folder, 'asleep.xml'));
  });

  test.each([
    [
      'a route’s, by another environment’s',
      { routes: [{ cidr: '10.251.128.0/17', via }] },
      /'t-\w+', which leads it to/,
    ],
    [
      'a route’s, by its own network',
      { routes: [{ cidr: '10.60.0.0/16', via }] },
      /the environment’s own network/,
    ],
    [
      'a route’s, by a wider one',
      { routes: [{ cidr: '10.65.0.0/16', via }] },
      /machine’s route 10\.64\.0\.0\/14 \(vpn0\)/,
    ],
    [
      'a route’s, by a single address',
      { routes: [{ cidr: '10.63.0.0/16', via }] },
      /address 10\.63\.0\.1\/32 \(vpn0\)/,
    ],
    [
      'the network’s, by an interface that is down',
      { gateway: '10.62.7.65', prefixLength: 26 },
      /10\.62\.7\.1\/24 \(lan0\)/,
    ],
    [
      'the network’s, by a wider route',
      { gateway: '10.66.1.1' },
      /machine’s route 10\.64\.0\.0\/14 \(vpn0\)/,
    ],
    ['the network’s, by a smaller one that is stopped', { gateway: '10.69.4.1' }, /network 'asleep'/],
    ['the network’s, by what another one’s route leads to', { gateway: '10.251.9.1' }, /, which leads it to/],
  ])('%s', async (_, more, owner) => {
    expect(await refusal(more)).toMatch(owner);
  });
});

test('what networks have is told to whoever chooses another range, also of those that are stopped', async () => {
  const taken = await ground((each) => each.takenRanges());
  expect(taken.map(({ cidr, network }) => [cidr, network])).toEqual(
    expect.arrayContaining([
      ['10.244.78.0/24', host.config.network],
      ['10.251.0.0/16', host.config.network],
      ['10.69.4.0/25', 'asleep'],
    ]),
  );
});

test('a reboot brings the route back with the network; nothing is left of it on the way down', async () => {
  await host.restart();
  expect(await routes()).toEqual([expect.stringContaining('10.251.0.0/16 via')]);
  await ground((each) => each.clear());
  expect(await routes()).toEqual([]);
  expect(await host.virsh('net-list', '--all', '--name')).not.toContain(host.config.network);
});
