import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { interpolateText } from '../../../../src/engine/template/index.ts';
import { lacksOfCloudConfig } from '../../../../src/environment/cf/cloud-config-needs.ts';
import { composeConfigs } from '../../../../src/manifest/configs.ts';

const manifest = {
  instance_groups: [
    {
      name: 'api',
      azs: ['z1', 'z2'],
      networks: [{ name: 'default' }],
      vm_type: 'small',
      vm_extensions: ['50GB_ephemeral_disk'],
    },
    {
      name: 'database',
      azs: ['z1'],
      networks: [{ name: 'default' }],
      vm_type: 'small',
      persistent_disk_type: '10GB',
    },
  ],
};
const named = (...names: string[]) => names.map((name) => ({ name }));

test('a cloud-config with all that the manifest names lacks nothing', () => {
  const cloudConfig = {
    azs: named('z1', 'z2', 'z3'),
    networks: named('default'),
    vm_types: named('minimal', 'small'),
    disk_types: named('10GB'),
    vm_extensions: named('50GB_ephemeral_disk'),
  };
  expect(lacksOfCloudConfig(manifest, cloudConfig)).toEqual([]);
});

test('each name that is lacking is told once, with its list', () => {
  const cloudConfig = { azs: named('z1'), networks: named('other'), vm_types: null, disk_types: [] };
  expect(lacksOfCloudConfig(manifest, cloudConfig)).toEqual([
    'azs: z2',
    'networks: default',
    'vm_types: small',
    'disk_types: 10GB',
    'vm_extensions: 50GB_ephemeral_disk',
  ]);
});

test('the cloud-config of a lite environment has all that cf-deployment names', async () => {
  const network = { cidr: '192.168.77.0/24', gateway: '192.168.77.1', ip: '192.168.77.10' };
  const workload = { cidr: '10.245.0.0/16' };
  const configs = composeConfigs({ profile: 'lite', boshDeployment: '/none', network, workload, cpus: 6 });
  const [cloud] = configs.filter(({ type }) => type === 'cloud');
  const tree = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'cf-deployment');
  const render = async (manifestPath = '', opsFiles: readonly string[] = [], vars = cloud?.vars ?? {}) =>
    parse(await interpolateText({ manifestPath, opsFiles, vars, varsFiles: [] }));
  const cf = await render(join(tree, 'cf-deployment.yml'), [join(tree, 'operations/bosh-lite.yml')], {});
  expect(lacksOfCloudConfig(cf, await render(cloud?.manifestPath))).toEqual([]);
});
