import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { networksFor } from '../../../src/verify/scene.ts';
import { readNetworks, readProperties } from '../../../src/verify/scenes/scene-files.ts';
import { unpackStemcell } from '../../../src/verify/scenes/stemcell-file.ts';
import { tgz } from '../cpi/stemcell/images.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scene-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const networks = `
networks:
- name: default
  type: manual
  netmask: 255.255.255.0
  gateway: 10.0.0.1
  cloud_properties: {name: vms}
  addresses: [10.0.0.20-10.0.0.34, 10.0.0.50]
- name: other
  type: manual
  netmask: 255.255.255.0
  addresses: [10.0.1.20-10.0.1.40]
dynamic:
  cloud_properties: {name: vms}
  addresses: [10.0.0.100-10.0.0.101]
managed:
  range: 10.9.0.0/24
  gateway: 10.9.0.1
  netmask: 255.255.255.0
  address: 10.9.0.10
`;

test('networks have their addresses and go to the CPI with all their other keys', async () => {
  const scene = await readNetworks(await file('networks.yml', networks));
  expect(scene.networks[0]?.addresses).toHaveLength(16);
  expect(networksFor(scene.networks, 15)).toEqual({
    default: {
      type: 'manual',
      netmask: '255.255.255.0',
      gateway: '10.0.0.1',
      cloud_properties: { name: 'vms' },
      ip: '10.0.0.50',
      default: ['dns', 'gateway'],
    },
    other: { type: 'manual', netmask: '255.255.255.0', ip: '10.0.1.35' },
  });
  expect(scene.dynamicNetwork).toEqual({
    spec: { cloud_properties: { name: 'vms' } },
    addresses: ['10.0.0.100', '10.0.0.101'],
  });
  expect(scene.managedNetwork).toEqual({
    definition: { type: 'manual', range: '10.9.0.0/24', gateway: '10.9.0.1', cloud_properties: {} },
    address: '10.9.0.10',
    netmask: '255.255.255.0',
  });
});

test.each([
  ['networks: []', 'networks: '],
  ['networks: [{name: default}]', 'networks: 0: addresses: '],
  ['networks: [{name: default, addresses: [10.0.0.1-10.0.0.5]}]', 'the first network has 5 addresses'],
  ['networks: [{name: default, addresses: [10.0.0.9-10.0.0.5]}]', "'10.0.0.9-10.0.0.5' is neither"],
  ['networks: [{name: default, addresses: [10.0.0.0-10.255.255.255]}]', 'are 16777216 addresses'],
  [
    'networks: [{name: a, addresses: [10.0.0.1-10.0.0.16]}, {name: b, addresses: [10.0.1.1]}]',
    "network 'b' has 1 addresses",
  ],
  ['networks: [{name: default, addresses: [somewhere]}]', "'somewhere' is neither"],
  ['network: {}', 'networks: '],
  ['{', 'networks.yml cannot be used: '],
])('a networks file %j is refused with the reason', async (content, why) => {
  await expect(readNetworks(await file('networks.yml', content))).rejects.toThrow(why);
});

test('cloud properties are what the types of a deployment have', async () => {
  const path = await file('properties.yml', 'vm: {cpu: 2}\ndisk: {type: ssd}\ndisk_size: 128\n');
  expect(await readProperties(path)).toEqual({ vm: { cpu: 2 }, disk: { type: 'ssd' }, diskMb: 128 });
  const empty = await readProperties(await file('properties.json', '{}'));
  expect(empty).toEqual({ vm: {}, disk: {}, diskMb: undefined });
  await expect(readProperties(await file('properties.yml', 'vms: {}'))).rejects.toThrow('vms');
  await expect(readProperties(join(folder, 'none.yml'))).rejects.toThrow('there is no such file');
});

test('a stemcell is unpacked as bosh unpacks it', async () => {
  const manifest =
    'name: x\napi_version: 3\nstemcell_formats: [openstack-raw]\ncloud_properties: {disk: 5}\n';
  const members = [
    { name: './stemcell.MF', content: Buffer.from(manifest) },
    { name: './image', content: Buffer.from('an image') },
  ];
  const path = await file('stemcell.tgz', await tgz(...members));
  expect(await unpackStemcell(path, folder)).toEqual({
    imagePath: join(folder, 'image'),
    cloudProperties: { disk: 5 },
    apiVersion: 3,
    formats: ['openstack-raw'],
  });
  const half = await file('half.tgz', await tgz(members[0] as (typeof members)[0]));
  await expect(unpackStemcell(half, folder)).rejects.toThrow(
    'it holds no image: this is not a BOSH stemcell',
  );
  const broken = [{ name: 'stemcell.MF', content: Buffer.from('name: [x') }, members[1]] as typeof members;
  await expect(unpackStemcell(await file('broken.tgz', await tgz(...broken)), folder)).rejects.toThrow(
    'cannot be used: its stemcell.MF is no YAML',
  );
  await expect(unpackStemcell(await file('text.tgz', 'text'), folder)).rejects.toThrow('it is damaged');
  await expect(unpackStemcell(join(folder, 'none.tgz'), folder)).rejects.toThrow('there is no such file');
});
