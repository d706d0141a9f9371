import { describe, expect, test } from 'vitest';
import { machinePlanFrom, providerFrom, secretsIn } from '../../../../src/engine/builtin/manifest/index.ts';
import { applyOps, type NodeMap, readYaml } from '../../../../src/engine/template/index.ts';

const base = `
name: e
resource_pools:
- {name: vms, network: a, stemcell: {url: file:///s.tgz}, env: {bosh: {password: '*'}}}
networks:
- name: a
  type: manual
  subnets: [{range: 10.0.0.0/22, gateway: 10.0.0.1, dns: [10.0.0.1], cloud_properties: {name: net}}]
- {name: b, type: dynamic, dns: [1.1.1.1], cloud_properties: {name: other}}
- {name: c, type: vip, dns: [1.1.1.1]}
- {name: six, type: manual, subnets: [{range: 'fd00::/56', gateway: 'fd00::1'}]}
instance_groups:
- {name: m, instances: 1, jobs: [], resource_pool: vms, networks: [{name: a, static_ips: [10.0.3.9]}]}
cloud_provider: {mbus: 'https://mbus:pw%2F@10.0.3.9:6868', cert: {ca: CA}, properties: {}}
`;

/** The base manifest with operations `[path, value]`. */
function manifestWith(...changes: [string, unknown][]): NodeMap {
  const operations = changes.map(([path, value]) => ({ type: 'replace', path, value }));
  return applyOps(readYaml(base, 'base'), operations as never) as NodeMap;
}

const plan = (...changes: [string, unknown][]) =>
  machinePlanFrom(manifestWith(...changes), '/there/manifest.yml');
const networks = '/instance_groups/name=m/networks';

describe('networks', () => {
  test('a lone one is the default for everything', () => {
    expect(plan([`${networks}/0/default?`, ['dns']]).networks).toEqual({
      a: {
        type: 'manual',
        ip: '10.0.3.9',
        netmask: '255.255.252.0',
        gateway: '10.0.0.1',
        dns: ['10.0.0.1'],
        cloud_properties: { name: 'net' },
        default: ['dns', 'gateway'],
      },
    });
  });

  test('several keep their order, their kinds and what they are the default for', () => {
    const several = [
      { name: 'c', static_ips: ['192.0.2.1'] },
      { name: 'b', default: ['dns', 'gateway'] },
      { name: 'six', static_ips: ['fd00::9'] },
    ];
    const planned = plan([networks, several]).networks;
    expect(Object.entries(planned)).toEqual([
      ['c', { type: 'vip', cloud_properties: {}, ip: '192.0.2.1' }],
      [
        'b',
        {
          type: 'dynamic',
          cloud_properties: { name: 'other' },
          dns: ['1.1.1.1'],
          default: ['dns', 'gateway'],
        },
      ],
      [
        'six',
        {
          type: 'manual',
          ip: 'fd00::9',
          gateway: 'fd00::1',
          netmask: 'ffff:ffff:ffff:ff00:0000:0000:0000:0000',
          cloud_properties: {},
        },
      ],
    ]);
  });
});

describe('the rest of the plan', () => {
  test('tags go to the agent, as texts', () => {
    const { env, tags } = plan(['/tags?', { owner: 'me', cost: 7 }]);
    expect([env, tags]).toEqual([
      { bosh: { password: '*', tags: { owner: 'me', cost: '7' } } },
      { owner: 'me', cost: '7' },
    ]);
  });

  test.each([
    ['file:///s.tgz', '/s.tgz'],
    ['file://../s.tgz', '/s.tgz'],
    ['s.tgz', '/there/s.tgz'],
  ])('the stemcell %s lies at %s', (url, path) => {
    expect(plan(['/resource_pools/name=vms/stemcell/url', url]).stemcell.path).toBe(path);
  });

  test('a stemcell from the net is refused with what to do', () => {
    expect(() => plan(['/resource_pools/name=vms/stemcell/url', 'https://x/s.tgz'])).toThrow(
      'does not download',
    );
  });

  test('disks come from a pool or from the group', () => {
    const pools = [{ name: 'd', disk_size: 512, cloud_properties: { type: 'raw' } }];
    const pooled = plan(['/disk_pools?', pools], ['/instance_groups/name=m/persistent_disk_pool?', 'd']);
    expect(pooled.disk).toEqual({ sizeMb: 512, cloudProperties: { type: 'raw' } });
    const own = plan(['/instance_groups/name=m/persistent_disk?', 7]);
    expect(own.disk).toEqual({ sizeMb: 7, cloudProperties: {} });
    expect(plan().disk).toBeUndefined();
  });

  test('the time that jobs may take is bosh’s, or the manifest’s', () => {
    expect(plan().watchTime).toEqual({ startMs: 0, endMs: 300_000 });
    expect(plan(['/update?', { update_watch_time: '10-20' }]).watchTime).toEqual({ startMs: 10, endMs: 20 });
  });
});

describe('what is wrong', () => {
  const subnet = '/networks/name=a/subnets/0';
  test.each<[string, unknown, string]>([
    ['/name', '', 'name: a text is expected'],
    ['/instance_groups/name=m/instances', 2, 'instance_groups/0/instances: 1 is expected, it is 2'],
    ['/instance_groups', [], 'instance_groups: exactly one is expected, there are 0'],
    ['/instance_groups/name=m/resource_pool', 'x', 'there is no resource_pools/name=x'],
    ['/instance_groups/name=m/persistent_disk?', -1, 'a whole number of MiB is expected, it is -1'],
    ['/instance_groups/name=m/persistent_disk_pool?', 'd', 'there is no disk_pools/name=d'],
    [networks, [], 'the machine needs a network'],
    [networks, [{ name: 'z' }], 'there is no networks/name=z'],
    [networks, [{ name: 'a' }], 'a manual network needs a static address'],
    [networks, [{ name: 'b' }, { name: 'c' }], 'one network has to be the default for gateway'],
    [`${networks}/0/static_ips`, ['10.0.4.9'], 'the static address 10.0.4.9 is not within 10.0.0.0/22'],
    [`${networks}/0/static_ips`, ['ten'], 'ten is no IP address'],
    [`${subnet}/range`, '10.0.0.0/99', '10.0.0.0/99 is no address range'],
    [`${subnet}/gateway`, '10.9.0.1', '10.9.0.1 is not within 10.0.0.0/22'],
    ['/networks/name=a/type', 'magic', 'manual, dynamic or vip is expected, it is "magic"'],
    ['/update?', { update_watch_time: 'soon' }, 'a range like 1000-300000 is expected'],
  ])('%s: %j', (path, value, message) => {
    expect(() => plan([path, value])).toThrow(message);
  });

  test('everything is told at once', () => {
    const problems = () =>
      plan(['/name', ''], [`${subnet}/gateway`, 'x'], ['/instance_groups/name=m/instances', 0]);
    expect(problems).toThrow(/instances: [\s\S]*name: [\s\S]*gateway: /);
  });
});

describe('the provider', () => {
  test('without a CA of its own the agent is held to the certificate that it is given', () => {
    const cert = { certificate: 'OWN' };
    const env = '/resource_pools/name=vms/env/bosh/mbus?';
    const without: [string, unknown] = ['/cloud_provider/cert', {}];
    expect(providerFrom(manifestWith(without, [env, { cert: { ca: 'ITS CA', ...cert } }])).ca).toBe('ITS CA');
    expect(providerFrom(manifestWith(without, [env, { cert }])).ca).toBe('OWN');
    expect(() => providerFrom(manifestWith(without))).toThrow('cloud_provider/cert/ca: it is missing');
  });

  test('an address that is none is told', () => {
    expect(() => providerFrom(manifestWith(['/cloud_provider/mbus', 'nats://x']))).toThrow(
      'https://USER:PASSWORD@HOST',
    );
  });
});

test('secrets are found by their keys and in URLs', () => {
  const key = `-----BEGIN KEY-----\n${'k'.repeat(64)}\n-----END KEY-----\n`;
  const found = secretsIn(
    manifestWith(['/resource_pools/name=vms/env/bosh/mbus?', { cert: { private_key: key } }]),
  );
  expect(found).toEqual(
    expect.arrayContaining(['pw%2F', 'pw/', key, key.replaceAll('\n', '\\n'), 'k'.repeat(64)]),
  );
});
