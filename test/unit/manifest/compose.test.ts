import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { interpolateText } from '../../../src/engine/template/index.ts';
import { composeManifest, type ManifestFacts } from '../../../src/manifest/compose.ts';

const facts: ManifestFacts = {
  environment: 'work',
  backend: 'qemu',
  profile: 'machine',
  uri: 'qemu:///system',
  networkNamespace: '',
  command: '/x/bin/boshvirt',
  network: { name: 'boshvirt-work', cidr: '192.168.77.0/24', gateway: '192.168.77.1', ip: '192.168.77.10' },
  storagePool: 'pool-work',
  resources: { cpus: 2, memoryMb: 700, ephemeralDiskMb: 2000, persistentDiskMb: 3000 },
  stemcell: { path: '/x/stemcell.tgz', sha1: 'abc' },
  ops: ['/mine/ops.yml'],
};

test("the user's ops-files come last", () => {
  const { opsFiles, vars } = composeManifest(facts);
  expect(opsFiles).toEqual([expect.stringMatching(/\/ops-files\/qemu\.yml$/), '/mine/ops.yml']);
  expect(vars).toMatchObject({
    vm_cpus: 2,
    internal_ip: '192.168.77.10',
    stemcell_url: 'file:///x/stemcell.tgz',
  });
});

test('manifest, ops-file and variables fit together: only what bosh makes itself stays open', async () => {
  const { manifestPath, opsFiles, vars } = composeManifest({ ...facts, ops: [] });
  const text = await interpolateText({ manifestPath, opsFiles, vars, varsFiles: [] });
  const open = new Set([...text.matchAll(/\(\(([^)]+)\)\)/g)].map((match) => match[1]));
  const generated = parse(text).variables.map((variable: { name: string }) => variable.name);
  for (const name of open) {
    const isGenerated = generated.includes(name?.split('.')[0]);
    const isRelease = name?.startsWith('boshvirt_cpi_release_');
    expect(isGenerated || isRelease, name).toBe(true);
  }
  expect(parse(text)).toMatchObject({
    name: 'work',
    resource_pools: [{ cloud_properties: { cpus: 2, memory: 700, ephemeral_disk: 2000 } }],
    disk_pools: [{ disk_size: 3000 }],
    networks: [{ subnets: [{ range: '192.168.77.0/24', cloud_properties: { name: 'boshvirt-work' } }] }],
    cloud_provider: {
      template: { name: 'boshvirt_cpi', release: 'boshvirt-cpi' },
      properties: {
        libvirt: { uri: 'qemu:///system' },
        boshvirt: {
          backend: 'qemu',
          command: '/x/bin/boshvirt',
          environment: 'work',
          storage_pool: 'pool-work',
        },
      },
    },
  });
});

test('every variable that is handed over has a use', async () => {
  const { manifestPath, opsFiles, vars } = composeManifest({ ...facts, ops: [] });
  const texts = await Promise.all([manifestPath, ...opsFiles].map((path) => readFile(path, 'utf8')));
  const used = new Set([...texts.join('').matchAll(/\(\(([^).]+)[^)]*\)\)/g)].map((match) => match[1]));
  expect(Object.keys(vars).filter((name) => !used.has(name))).toEqual([]);
});
