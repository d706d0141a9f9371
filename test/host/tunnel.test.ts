/** Tunnels between bridges in network namespaces that stand for machines and for private hosts on them; no libvirt. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readVxlan } from '../../src/clients/iproute/index.ts';
import { type Machine, thisMachine } from '../../src/host/machine.ts';
import {
  layTunnelEnd,
  reachesNeighbour,
  removeTunnelEnd,
  sourceOf,
  type TunnelEnd,
  tunnelEndStands,
} from '../../src/host/tunnel/index.ts';
import { run } from '../../src/platform/process.ts';
import { askQuickly } from '../support/quick-neighbours.ts';

const mark = randomBytes(3).toString('hex');
/** Of each machine: its own network, and that of a private host on it, which has a way nowhere. */
const names = ['near', 'near-private', 'far', 'far-private'].map((name) => `bvt-${mark}-${name}`);
const [near = '', nearPrivate = '', far = '', farPrivate = ''] = names;
const pathOf = (name: string) => `/run/netns/${name}`;
const at = (name: string): Machine => thisMachine(pathOf(name));
const ip = async (commands: readonly string[]) =>
  await run(['ip', '-batch', '-'], { input: `${commands.join('\n')}\n` });
const inside = async (name: string, commands: readonly string[]) =>
  await run(['ip', '-n', name, '-batch', '-'], { input: `${commands.join('\n')}\n` });

beforeAll(async () => {
  await ip(names.map((name) => `netns add ${name}`));
  await ip([`link add wire netns ${near} type veth peer name wire netns ${far}`]);
  await inside(near, ['address add 10.98.0.1/30 dev wire', 'link set wire up']);
  await inside(far, ['address add 10.98.0.2/30 dev wire', 'link set wire up']);
  for (const name of [nearPrivate, farPrivate])
    await inside(name, ['link set lo up', 'link add br0 type bridge', 'link set br0 up']);
  await askQuickly(nearPrivate, 'br0');
});
afterAll(async () => await ip(names.map((name) => `netns delete ${name}`)));

const end = (side: 'near' | 'far', port = 4789): TunnelEnd => {
  const isNear = side === 'near';
  const [local, remote] = isNear ? ['10.98.0.1', '10.98.0.2'] : ['10.98.0.2', '10.98.0.1'];
  return {
    tunnel: { device: 'bvx-test', id: 4711, port, local, remote },
    underlay: at(isNear ? near : far),
    place: at(isNear ? nearPrivate : farPrivate),
    namespace: isNear ? nearPrivate : farPrivate,
    bridge: 'br0',
    address: isNear ? '169.254.9.1/30' : '169.254.9.2/30',
  };
};
const passes = async () =>
  await reachesNeighbour(
    { prefix: at(nearPrivate).prefix, netnsPath: pathOf(nearPrivate) },
    'br0',
    '169.254.9.2',
    AbortSignal.timeout(20_000),
  );

test('an end that was put into a private host’s network goes on by the machine’s', async () => {
  const here = { machine: at(near), bridges: at(nearPrivate) };
  expect(await sourceOf('10.98.0.2', here)).toEqual({ near: '10.98.0.1', underlay: 'machine' });
  await layTunnelEnd(end('near'));
  expect(await passes()).toBe(false); // there is only one end
  await layTunnelEnd(end('far'));
  expect(await passes()).toBe(true);
  expect(await readVxlan(at(near).prefix, 'bvx-test')).toBeUndefined();
  expect(await readVxlan(at(nearPrivate).prefix, 'bvx-test')).toEqual({
    ...{ id: 4711, port: 4789, local: '10.98.0.1', remote: '10.98.0.2' },
    ...{ master: 'br0', isUp: true },
  });
});

test('an end is laid once, and anew when it is to be another one or lost its bridge', async () => {
  await layTunnelEnd(end('near'));
  expect(await tunnelEndStands(end('near'))).toBe(true);
  expect(await tunnelEndStands(end('near', 4790))).toBe(false);
  for (const side of ['near', 'far'] as const) await layTunnelEnd(end(side, 4790));
  expect(await passes()).toBe(true);
  await inside(nearPrivate, ['link set bvx-test nomaster']);
  expect(await tunnelEndStands(end('near', 4790))).toBe(false);
  await layTunnelEnd(end('near', 4790));
  expect(await passes()).toBe(true);
});

test('what a killed run left half made goes too, and taking an end away twice is no error', async () => {
  for (const side of ['near', 'far'] as const) await removeTunnelEnd(end(side));
  await inside(near, ['link add bvx-test type vxlan id 4711 local 10.98.0.1 remote 10.98.0.2 dstport 4789']);
  await layTunnelEnd(end('near'));
  await layTunnelEnd(end('far'));
  expect(await passes()).toBe(true);
  for (const side of ['near', 'far', 'near'] as const) await removeTunnelEnd(end(side));
  for (const name of names) {
    const { stdout } = await run(['ip', '-n', name, 'address', 'show']);
    expect(stdout).not.toMatch(/bvx-test|169\.254/);
  }
});
