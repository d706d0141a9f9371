import { expect, test } from 'vitest';
import { buildAgentSettings } from '../../../../src/cpi/agent/index.ts';
import { parseHint, parseSettings, prefixLength } from '../../../../stemcells/probe/agent/settings.ts';

const written = buildAgentSettings({
  agentId: 'a-1',
  vmCid: 'vm-1',
  networks: {
    a: {
      type: 'manual',
      ip: '10.0.0.6',
      netmask: '255.255.240.0',
      gateway: '10.0.0.1',
      mac: '52:54:00:AA:BB:CC',
      dns: ['1.1.1.1'],
    },
    b: { type: 'dynamic', default: ['gateway'], cloud_properties: { name: 'x' } },
  },
  env: {
    bosh: {
      password: '*',
      authorized_keys: ['ssh-ed25519 AAAA me'],
      mbus: { cert: { ca: 'C', certificate: 'X', private_key: 'K' } },
    },
  },
  agent: { mbus: 'https://mbus:pw@0.0.0.0:6868' },
  disks: {
    system: '/dev/vda',
    ephemeral: { path: '/dev/vdb' },
    persistent: { 'disk-1': { path: '/dev/vdc' } },
  },
});

test('what the CPI writes is what the agent reads', () => {
  expect(parseSettings(JSON.stringify(written))).toMatchObject({
    agentId: 'a-1',
    mbus: 'https://mbus:pw@0.0.0.0:6868',
    ephemeralDisk: '/dev/vdb',
    persistentDisks: new Map([['disk-1', { path: '/dev/vdc' }]]),
    authorizedKeys: ['ssh-ed25519 AAAA me'],
    password: '*',
    tls: { certificate: 'X', privateKey: 'K' },
    networks: [
      {
        name: 'a',
        type: 'manual',
        ip: '10.0.0.6',
        prefix: 20,
        gateway: '10.0.0.1',
        mac: '52:54:00:aa:bb:cc',
        dns: ['1.1.1.1'],
      },
      { name: 'b', type: 'dynamic', isDefaultFor: ['gateway'] },
    ],
  });
});

test("env.bosh's mbus goes before the root's", () => {
  const settings = { ...written, env: { bosh: { mbus: { urls: ['https://other:pw@0.0.0.0:6868'] } } } };
  expect(parseSettings(JSON.stringify(settings)).mbus).toBe('https://other:pw@0.0.0.0:6868');
});

test.each([
  ['no JSON', 'nonsense', /not JSON/],
  ['no agent id', '{}', /agent_id must be a string/],
  [
    'a system disk that the real agent cannot read',
    '{"agent_id":"a","disks":{"system":{"path":"/dev/vda"}}}',
    /disks\.system/,
  ],
  ['a list for networks', '{"agent_id":"a","networks":[]}', /networks must be an object/],
  ['an unknown network type', '{"agent_id":"a","networks":{"n":{"type":"odd"}}}', /networks\.n\.type is odd/],
])('%s is refused with the place', (_, text, message) => {
  expect(() => parseSettings(text)).toThrow(message);
});

test('a hint holds strings only, as the real agent demands', () => {
  expect(parseHint('/dev/sdc')).toBe('/dev/sdc');
  expect(() => parseHint({ lun: 1 })).toThrow(/disk hint lun/);
});

test('netmasks', () => {
  expect(prefixLength('255.255.255.0')).toBe(24);
  expect(prefixLength('0.0.0.0')).toBe(0);
  expect(prefixLength('ffff:ffff:ffff:ffff::')).toBe(64);
  expect(prefixLength('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')).toBe(128);
  expect(() => prefixLength('ffff:0:ffff::')).toThrow(/no netmask/);
  expect(() => prefixLength('255.0.255.0')).toThrow(/no netmask/);
});
