import { BlockList } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { interpolateText } from '../../../src/engine/template/index.ts';
import { type ConfigFacts, composeConfigs } from '../../../src/manifest/configs.ts';
import { packageRoot } from '../../../src/platform/package-root.ts';

const boshDeployment = join(packageRoot(), 'test/fixtures/bosh-deployment');
const lite: ConfigFacts = {
  profile: 'lite',
  boshDeployment,
  network: { cidr: '192.168.77.0/24', gateway: '192.168.77.1', ip: '192.168.77.10' },
  workload: { cidr: '10.244.0.0/16' },
  cpus: 4,
};
const director: ConfigFacts = { ...lite, profile: 'director', workload: undefined };

interface Named {
  readonly name: string;
}

async function texts(facts: ConfigFacts): Promise<Record<'cloud' | 'runtime', string>> {
  const entries = composeConfigs(facts).map(async ({ type, ...inputs }) => [
    type,
    await interpolateText({ ...inputs, varsFiles: [] }),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

const cloudConfig = async (facts: ConfigFacts) => parse((await texts(facts)).cloud);
const subnetOf = async (facts: ConfigFacts) => (await cloudConfig(facts)).networks[0].subnets[0];
const namesIn = (items: readonly Named[]) => items.map(({ name }) => name);

/** What the manifests of cf-deployment name. */
const cfNames = {
  azs: ['z1', 'z2'],
  networks: ['default'],
  vm_types: ['minimal', 'small', 'small-highmem', 'medium'],
  disk_types: ['5GB', '10GB', '100GB'],
  vm_extensions: [
    '5GB_ephemeral_disk',
    '10GB_ephemeral_disk',
    '50GB_ephemeral_disk',
    '100GB_ephemeral_disk',
    'ssh-proxy-and-router-lb',
    'cf-tcp-router-network-properties',
  ],
};

describe.each([lite, director])('$profile', (facts) => {
  test('nothing is left open, and every variable that is given has a use', async () => {
    const { cloud, runtime } = await texts(facts);
    expect(cloud).not.toContain('((');
    const open = [...runtime.matchAll(/\(\(([^)]+)\)\)/g)].map(([, name]) => name);
    expect(open.filter((name) => !name?.startsWith('/dns_') && !name?.startsWith('releases_'))).toEqual([]);
    for (const { manifestPath, opsFiles, vars } of composeConfigs(facts)) {
      const without = await interpolateText({ manifestPath, opsFiles, vars: {}, varsFiles: [] });
      for (const name of Object.keys(vars)) expect(without).toContain(`((${name}))`);
    }
  });

  test('manifests of bosh-deployment and of cf-deployment find all that they name', async () => {
    const config = await cloudConfig(facts);
    for (const [list, names] of Object.entries(cfNames)) {
      expect(namesIn(config[list])).toEqual(expect.arrayContaining(names));
    }
    expect(namesIn(config.vm_types)).toContain('default');
    expect(namesIn(config.disk_types)).toContain('default');
    const { compilation } = config;
    expect(namesIn(config.vm_types)).toContain(compilation.vm_type);
    expect(namesIn(config.networks)).toContain(compilation.network);
  });

  test("names are resolved by the network's gateway, on Noble by bosh-dns too", async () => {
    expect((await subnetOf(facts)).dns).toEqual(['192.168.77.1']);
    const { addons } = parse((await texts(facts)).runtime);
    const noble = addons.find(({ name }: Named) => name === 'bosh-dns-systemd');
    expect(noble.jobs[0].properties).toMatchObject({
      disable_recursors: false,
      recursors: ['192.168.77.1'],
      configure_systemd_resolved: true,
    });
  });
});

test('containers have the range of cf-deployment, its router among the static addresses', async () => {
  expect(await subnetOf(lite)).toMatchObject({
    range: '10.244.0.0/20',
    gateway: '10.244.0.1',
    static: [
      '10.244.0.2 - 10.244.0.127',
      '10.244.1.0 - 10.244.1.127',
      '10.244.2.0 - 10.244.2.127',
      '10.244.3.0 - 10.244.3.127',
    ],
  });
});

test('a smaller range for containers is divided in the same way', async () => {
  expect(await subnetOf({ ...lite, workload: { cidr: '10.99.4.0/24' } })).toMatchObject({
    range: '10.99.4.0/24',
    gateway: '10.99.4.1',
    static: ['10.99.4.2 - 10.99.4.127'],
  });
});

test.each([
  ['192.168.77.0/24', '192.168.77.10'],
  ['192.168.77.0/24', '192.168.77.40'],
  ['192.168.77.0/24', '192.168.77.200'],
  ['192.168.77.0/27', '192.168.77.4'],
  ['192.168.77.0/27', '192.168.77.10'],
  ['10.0.0.0/16', '10.0.0.10'],
])(
  'in %s, with the director at %s, nobody else has its address or one that the CPI chooses',
  async (cidr, ip) => {
    const gateway = cidr.replace(/0\/\d+$/, '1');
    const subnet = await subnetOf({ ...director, network: { cidr, gateway, ip } });
    const taken = new BlockList();
    for (const span of [`${gateway} - ${gateway}`, ...subnet.reserved]) {
      const [first, last = first] = span.split(' - ');
      taken.addRange(first, last);
    }
    expect(subnet.reserved).toContain(ip);
    expect(subnet.static.length).toBeGreaterThan(0);
    for (const span of subnet.static)
      for (const end of span.split(' - ')) expect(taken.check(end)).toBe(false);
  },
);

test.each([
  [1, 1],
  [4, 4],
  [32, 6],
])('%i processors compile %i packages at once', async (cpus, workers) => {
  expect((await cloudConfig({ ...lite, cpus })).compilation.workers).toBe(workers);
});
