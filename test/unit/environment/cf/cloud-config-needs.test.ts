import { expect, test } from 'vitest';
import { lacksOfCloudConfig } from '../../../../src/environment/cf/cloud-config-needs.ts';

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
