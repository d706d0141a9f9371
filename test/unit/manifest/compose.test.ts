import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { interpolateText } from '../../../src/engine/template/index.ts';
import { composeManifest, type ManifestFacts } from '../../../src/manifest/compose.ts';
import { packageRoot } from '../../../src/platform/package-root.ts';

const boshDeployment = join(packageRoot(), 'test/fixtures/bosh-deployment');

const facts: ManifestFacts = {
  environment: 'work',
  backend: 'qemu',
  profile: 'machine',
  boshDeployment,
  uri: 'qemu:///system',
  networkNamespace: '',
  command: '/x/bin/boshvirt',
  network: { name: 'boshvirt-work', cidr: '192.168.77.0/24', gateway: '192.168.77.1', ip: '192.168.77.10' },
  storagePool: 'pool-work',
  resources: { cpus: 2, memoryMb: 700, ephemeralDiskMb: 2000, persistentDiskMb: 3000 },
  workload: { cidr: '10.244.0.0/16' },
  stemcell: { url: 'file:///x/stemcell.tgz', sha1: 'abc' },
  ops: [],
};

const profiles = ['machine', 'lite', 'director'] as const;
const backends = ['qemu', 'lxc'];

interface Named {
  readonly name: string;
}

/** The composed manifest with all that boshvirt gives filled in. */
async function rendered(over: Partial<ManifestFacts>) {
  const { manifestPath, opsFiles, vars } = composeManifest({ ...facts, ...over });
  const text = await interpolateText({ manifestPath, opsFiles, vars, varsFiles: [] });
  return { text, manifest: parse(text) };
}

test("bosh-deployment's ops-files come after the backend's, ours after them, the user's last", () => {
  const { manifestPath, opsFiles, vars } = composeManifest({
    ...facts,
    profile: 'lite',
    boshDeployment: '/theirs',
    ops: ['/mine/ops.yml'],
  });
  const ours = (name: string) => join(packageRoot(), 'ops-files', name);
  expect(manifestPath).toBe('/theirs/bosh.yml');
  expect(opsFiles).toEqual([
    ours('qemu.yml'),
    '/theirs/bosh-lite.yml',
    '/theirs/uaa.yml',
    '/theirs/credhub.yml',
    '/theirs/jumpbox-user.yml',
    ours('gateway-dns.yml'),
    ours('vcap-key.yml'),
    ours('lite.yml'),
    '/mine/ops.yml',
  ]);
  expect(vars).toMatchObject({ vm_cpus: 2, internal_ip: '192.168.77.10', director_name: 'work' });
});

test('a profile with a director cannot be composed without bosh-deployment', () => {
  expect(() => composeManifest({ ...facts, profile: 'lite', boshDeployment: undefined })).toThrow(
    /without a folder of bosh-deployment/,
  );
});

describe.each(backends.flatMap((backend) => profiles.map((profile) => ({ backend, profile }))))(
  '$profile on $backend',
  ({ backend, profile }) => {
    let text = '';
    let manifest: ReturnType<typeof parse>;
    beforeAll(async () => {
      ({ text, manifest } = await rendered({ backend, profile }));
    });

    test('manifest, ops-files and variables fit together: only what bosh makes itself stays open', () => {
      const open = [...text.matchAll(/\(\(([^).]+)[^)]*\)\)/g)].map((match) => match[1]);
      const generated = manifest.variables.map(({ name }: Named) => name);
      const fromElsewhere = new Set([
        ...generated,
        ...['boshvirt_cpi_release_url', 'boshvirt_cpi_release_sha1'],
        ...['releases_url', 'releases_sha1'], // of the fixture
      ]);
      expect(open.filter((name) => !fromElsewhere.has(name))).toEqual([]);
    });

    test('every variable that is handed over has a use', async () => {
      const { manifestPath, opsFiles, vars } = composeManifest({ ...facts, backend, profile });
      const texts = await Promise.all([manifestPath, ...opsFiles].map((path) => readFile(path, 'utf8')));
      const used = new Set([...texts.join('').matchAll(/\(\(([^).]+)[^)]*\)\)/g)].map((match) => match[1]));
      expect(Object.keys(vars).filter((name) => !used.has(name))).toEqual([]);
    });

    test('the machine is made by our CPI, in the size and the network that were asked for', () => {
      expect(manifest).toMatchObject({
        resource_pools: [
          {
            stemcell: { url: 'file:///x/stemcell.tgz', sha1: 'abc' },
            cloud_properties: { cpus: 2, memory: 700, ephemeral_disk: 2000 },
          },
        ],
        disk_pools: [{ disk_size: 3000 }],
        networks: [
          {
            subnets: [
              {
                range: '192.168.77.0/24',
                gateway: '192.168.77.1',
                dns: ['192.168.77.1'],
                cloud_properties: { name: 'boshvirt-work' },
              },
            ],
          },
        ],
        cloud_provider: {
          template: { name: 'boshvirt_cpi', release: 'boshvirt-cpi' },
          properties: {
            libvirt: { uri: 'qemu:///system' },
            boshvirt: {
              backend,
              command: '/x/bin/boshvirt',
              environment: 'work',
              storage_pool: 'pool-work',
            },
          },
        },
      });
      expect(manifest.releases.filter(({ name }: Named) => name === 'boshvirt-cpi')).toHaveLength(1);
    });
  },
);

test('lite makes deployments as containers, keeps the agent, and gives systemd its inotify instances', async () => {
  const { manifest } = await rendered({ profile: 'lite' });
  const [group] = manifest.instance_groups;
  const jobs = group.jobs.map(({ name }: Named) => name);
  expect(jobs).toEqual(['bpm', 'director', 'garden', 'warden_cpi', 'uaa', 'credhub', 'user_add', 'sysctl']);
  expect(group.properties.director.cpi_job).toBe('warden_cpi');
  const sysctl = group.jobs.find(({ name }: Named) => name === 'sysctl');
  expect(sysctl.properties.sysctl).toContain('fs.inotify.max_user_instances=1024');
  // jumpbox-user.yml's pin of the release that both use
  const pins = manifest.releases.filter(({ name }: Named) => name === 'os-conf');
  expect(pins).toEqual([expect.objectContaining({ version: '2' })]);
});

test('a container cannot set the limits of the kernel that it shares, and does not try', async () => {
  const { manifest } = await rendered({ profile: 'lite', backend: 'lxc' });
  expect(manifest.instance_groups[0].jobs.map(({ name }: Named) => name)).not.toContain('sysctl');
});

test('lite keeps the addresses of containers among themselves, whatever their range', async () => {
  const { manifest } = await rendered({ profile: 'lite', workload: { cidr: '10.99.0.0/16' } });
  expect(manifest.instance_groups[0].properties.warden_cpi.no_masq_cidrs).toEqual(['10.99.0.0/16']);
});

test('in the director profile the director has our CPI, which asks the host by certificates of the manifest', async () => {
  const { manifest } = await rendered({ profile: 'director' });
  const [group] = manifest.instance_groups;
  expect(group.properties.director.cpi_job).toBe('boshvirt_cpi');
  const job = group.jobs.find(({ name }: Named) => name === 'boshvirt_cpi');
  expect(job).toMatchObject({
    release: 'boshvirt-cpi',
    properties: { agent: { mbus: 'nats://192.168.77.10:4222' } },
  });
  const server = manifest.variables.find(({ name }: Named) => name === 'boshvirt_cpi_server_tls');
  expect(server.options.alternative_names).toEqual(['192.168.77.1']);
});

test.each(['lite', 'director'] as const)(
  '%s lets the jumpbox key in before there is a user jumpbox',
  async (profile) => {
    const { manifest } = await rendered({ profile });
    expect(manifest.resource_pools[0].env.bosh.authorized_keys).toEqual(['((jumpbox_ssh.public_key))']);
  },
);
