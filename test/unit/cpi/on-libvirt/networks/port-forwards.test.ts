import { describe, expect, test } from 'vitest';
import type { NetworkSpec } from '../../../../../src/cpi/agent/index.ts';
import type { JsonObject } from '../../../../../src/cpi/backend.ts';
import { forwardRules, rulesStand } from '../../../../../src/cpi/on-libvirt/networks/forward-rules.ts';
import { portInUse } from '../../../../../src/cpi/on-libvirt/networks/host-ports.ts';
import {
  collide,
  describeForward,
  forwardsOf,
  type PortForward,
  vipTarget,
} from '../../../../../src/cpi/on-libvirt/networks/port-forwards.ts';

const forward: PortForward = {
  protocol: 'tcp',
  first: 8080,
  last: 8080,
  at: undefined,
  to: '10.0.0.6',
  port: 80,
  neighbours: '10.0.0.0/24',
};

describe('which ports lead to a VM', () => {
  const ports = [{ host: 8080, guest: 80 }];
  const manual = { type: 'manual', ip: '10.0.0.6', netmask: '255.255.255.0' } as const;
  const forwards = (networks: Record<string, NetworkSpec>, cloudProperties: JsonObject = {}) =>
    forwardsOf({ networks, cloudProperties });

  test('those of a network, to its own address', () => {
    expect(forwards({ a: { ...manual, cloud_properties: { ports } } })).toEqual([forward]);
    expect(forwards({ a: { ...manual, netmask: '', prefix: '24', cloud_properties: { ports } } })).toEqual([
      forward,
    ]);
    expect(forwards({ a: { ...manual, ip: 'fd00::6', cloud_properties: { ports } } })).toEqual([]);
    expect(forwards({ a: manual })).toEqual([]);
  });

  test('those of a vip, to the address with the default gateway', () => {
    const vip = { type: 'vip', ip: '192.0.2.1', cloud_properties: { ports } } as const;
    const other = { ...manual, ip: '10.1.0.6' };
    const networks = { vip, other, a: { ...manual, default: ['gateway'] } };
    expect(forwards(networks)).toEqual([{ ...forward, at: '192.0.2.1' }]);
    expect(forwards({ vip: { ...vip, ip: '' }, a: manual })).toEqual([forward]);
    expect(vipTarget({ vip, v6: { ...manual, ip: 'fd00::6' } })).toBeUndefined();
    expect(vipTarget({ vip, v6: { ...manual, ip: 'fd00::6' }, a: { type: 'dynamic' } })).toBe('a');
  });

  test('those of the VM itself, to the address with the default gateway', () => {
    const other = { ...manual, ip: '10.1.0.6' };
    const networks = { other, a: { ...manual, default: ['gateway'] } };
    expect(forwards(networks, { ports })).toEqual([forward]);
    expect(forwards({ other }, { ports })).toEqual([
      { ...forward, to: '10.1.0.6', neighbours: '10.1.0.0/24' },
    ]);
    expect(forwards({ v6: { ...manual, ip: 'fd00::6' } }, { ports })).toEqual([]);
    expect(() => forwards(networks, { ports: [{ host: 0 }] })).toThrow('cloud_properties.ports.0.host: ');
  });

  test('those of the VM and of its networks together, each once', () => {
    const networks = { a: { ...manual, cloud_properties: { ports } } };
    const more = [...ports, { host: '1024-1123' }];
    expect(forwards(networks, { ports: more })).toEqual([
      forward,
      { ...forward, first: 1024, last: 1123, port: undefined },
    ]);
  });
});

test('forwards collide where one port would lead to two VMs', () => {
  const other = (changes: Partial<PortForward>) =>
    collide(forward, { ...forward, to: '10.0.0.7', ...changes });
  expect(other({})).toBe(true);
  expect(other({ first: 8000, last: 8080 })).toBe(true);
  expect(other({ at: '192.0.2.1' })).toBe(true);
  expect(other({ first: 8081, last: 8090 })).toBe(false);
  expect(other({ protocol: 'udp' })).toBe(false);
  expect(collide({ ...forward, at: '192.0.2.1' }, { ...forward, at: '192.0.2.2' })).toBe(false);
  expect(describeForward({ ...forward, last: 8090, at: '192.0.2.1' })).toBe('tcp 8080-8090 at 192.0.2.1');
});

test('a port is in use if somebody listens where others can ask', () => {
  const sockets = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000',
    '   1: 0A000001:1F91 0A000002:8888 01 00000000:00000000 00:00000000 00000000',
    '   2: 00000000:1F92 00000000:0000 0A 00000000:00000000 00:00000000 00000000',
    '   3: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000',
    '   4: 00000000000000000000000000000000:1F93 00000000000000000000000000000000:0000 0A 00000000',
  ].join('\n');
  const use = (first: number, last = first) => portInUse(sockets, { ...forward, first, last });
  expect([8080, 8081, 8082, 8083].map((port) => use(port))).toEqual([undefined, undefined, 8082, 8083]);
  expect(use(8000, 9000)).toBe(8082);
  expect(portInUse(sockets, { ...forward, protocol: 'udp', first: 8081, last: 8081 })).toBe(8081);
});

describe('rules', () => {
  const clean =
    '*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j LIBVIRT_FWI\nCOMMIT\n';
  const vms = [
    { cid: 'vm-1', forwards: [forward, { ...forward, first: 1000, last: 1009, port: undefined }] },
  ];

  test('stand before libvirt’s, each table changed at once', () => {
    const [nat, filter, rest] = forwardRules(clean, 'B', vms).split('COMMIT\n');
    expect(rest).toBe('');
    expect(nat).toContain('*nat\n:B_IN - [0:0]\n:B_OUT - [0:0]\n-I PREROUTING 1 -j B_IN\n');
    expect(nat).toMatch(
      /-A B_IN -p tcp .*LOCAL .*--dport 8080 .*vm-1 -j DNAT --to-destination 10\.0\.0\.6:80\n/,
    );
    expect(nat).toMatch(/--dport 1000:1009 .*--to-destination 10\.0\.0\.6\n/);
    expect(filter).toMatch(
      /^\*filter\n:B_FWD - \[0:0\]\n-I FORWARD 1 -j B_FWD\n-A B_FWD -d 10\.0\.0\.6\/32 .*--dport 80 /,
    );
  });

  test('take the place of those that were there', () => {
    const now = clean.replace('COMMIT\n*filter', ':B_IN - [0:0]\n-A PREROUTING -j B_IN\nCOMMIT\n*filter');
    const text = forwardRules(now, 'B', vms);
    expect(text).toMatch(
      /:B_IN - \[0:0\]\n:B_OUT - \[0:0\]\n-D PREROUTING -j B_IN\n-I PREROUTING 1 -j B_IN\n/,
    );
  });

  test('stand if each forward has one, and the host’s chains lead to them', () => {
    const [jump, filter] = ['-A PREROUTING -j B_IN', '-A FORWARD -j B_FWD'];
    const rule =
      '-A B_IN -p tcp -m tcp --dport 1 -m comment --comment vm-1 -j DNAT --to-destination 10.0.0.6';
    const stand = (...lines: string[]) => rulesStand(lines.join('\n'), 'B', vms);
    expect(stand(jump, filter, rule, rule)).toBe(true);
    expect(stand(jump, filter, rule)).toBe(false);
    expect(stand(jump, rule, rule)).toBe(false);
    expect(stand(filter, rule, rule)).toBe(false);
  });

  test('go when no VM has a port, and then there is nothing to do', () => {
    const now = clean.replace(
      'COMMIT\n*filter',
      ':B_IN - [0:0]\n:B_OUT - [0:0]\n-A PREROUTING -j B_IN\n-A OUTPUT ! -d 127.0.0.0/8 -j B_IN\n-A POSTROUTING -j B_OUT\nCOMMIT\n*filter',
    );
    expect(forwardRules(now, 'B', [{ cid: 'vm-1', forwards: [] }])).toBe(
      '*nat\n-D PREROUTING -j B_IN\n-D OUTPUT ! -d 127.0.0.0/8 -j B_IN\n-D POSTROUTING -j B_OUT\n-F B_IN\n-F B_OUT\n-X B_IN\n-X B_OUT\nCOMMIT\n',
    );
    expect(forwardRules(clean, 'B', [])).toBe('');
  });
});
