import { expect, test } from 'vitest';
import type { NetworkSpec } from '../../../../../src/cpi/agent/index.ts';
import type { VmCid } from '../../../../../src/cpi/backend.ts';
import { hostNetworkOf, nicSource, nicsFor } from '../../../../../src/cpi/on-libvirt/networks/nics.ts';

const vm = 'vm-0123456789abcdef0' as VmCid;

function nics(networks: Record<string, NetworkSpec & { on?: string }>) {
  return nicsFor(
    vm,
    Object.entries(networks).map(([name, spec]) => ({
      name,
      spec,
      properties: { name: '', mode: undefined, bridge: '', ports: [] },
      hostNetwork: spec.on ?? 'host',
    })),
  );
}

test('NICs keep the request’s order, with the default gateway’s in front', () => {
  const planned = nics({
    b: { ip: '10.0.0.2' },
    a: { ip: '10.1.0.2', default: ['dns'] },
    c: { ip: '10.2.0.2', default: ['gateway'] },
  });
  expect(planned.map(({ networks }) => networks)).toEqual([['c'], ['b'], ['a']]);
  expect(new Set(planned.map(({ mac }) => mac)).size).toBe(3);
});

test('networks of a group share a NIC with all their addresses, wherever its gateway is', () => {
  const planned = nics({
    alone: { ip: '10.0.0.2' },
    v4: { ip: '10.1.0.2', nic_group: 1 },
    other: { ip: '10.2.0.2', nic_group: '2' },
    v6: { ip: 'fd00::2', nic_group: '1', default: ['gateway'] },
  });
  expect(planned).toMatchObject([
    { networks: ['v4', 'v6'], ips: ['10.1.0.2', 'fd00::2'] },
    { networks: ['alone'] },
    { networks: ['other'] },
  ]);
});

test('a network without a group shares with none, not even one of its group’s name', () => {
  expect(nics({ a: {}, b: { nic_group: 'network a' } })).toHaveLength(2);
});

test('a group cannot be on two networks of the host', () => {
  expect(() => nics({ a: { nic_group: 1 }, b: { nic_group: 1, on: 'elsewhere' } })).toThrow(
    /'a' and 'b' share a NIC .*host and elsewhere/,
  );
});

test('a vip has no NIC', () => {
  expect(nics({ a: {}, v: { type: 'vip', ip: '1.2.3.4' } })).toHaveLength(1);
});

test('a NIC is plugged into the configured network, a named one or a bridge', () => {
  const properties = { name: '', mode: undefined, bridge: '', ports: [] };
  expect(hostNetworkOf(properties, 'own')).toBe('own');
  expect(hostNetworkOf({ ...properties, name: 'other' }, 'own')).toBe('other');
  expect(nicSource('own')).toEqual({ type: 'network', source: { markup: '<source network="own"/>' } });
  const bridge = hostNetworkOf({ ...properties, mode: 'bridge', bridge: 'br0' }, 'own');
  expect(nicSource(bridge)).toEqual({ type: 'bridge', source: { markup: '<source bridge="br0"/>' } });
});
