import { expect, test } from 'vitest';
import { buildAgentSettings, configDriveFiles } from '../../../../src/cpi/agent/index.ts';

const input = {
  agentId: '1b2c',
  vmCid: 'vm-0123456789abcdef',
  networks: {
    default: { type: 'manual', ip: '10.0.0.6', mac: '52:54:00:aa:bb:cc', from_the_future: { kept: true } },
  },
  env: { bosh: { mbus: { cert: { private_key: 'KEY' } }, password: '*' }, persistent_disk_fs: 'xfs' },
  agent: { mbus: 'https://mbus:pw@0.0.0.0:6868', blobstore: { provider: 'local' }, ntp: ['ntp.example'] },
  disks: { system: '/dev/vda', ephemeral: { path: '/dev/vdb' } },
} as const;

/** Field by field what a real agent started from (real-bosh/README.md 3). */
test('gives the agent its identity, its disks, and networks and env as they came', () => {
  expect(buildAgentSettings(input)).toEqual({
    agent_id: '1b2c',
    vm: { name: 'vm-0123456789abcdef', id: 'vm-0123456789abcdef' },
    mbus: 'https://mbus:pw@0.0.0.0:6868',
    ntp: ['ntp.example'],
    blobstore: { provider: 'local' },
    networks: input.networks,
    disks: { system: '/dev/vda', ephemeral: { path: '/dev/vdb' }, persistent: {} },
    env: input.env,
  });
});

test('leaves out what nobody configured, rather than saying null', () => {
  const settings = buildAgentSettings({
    ...input,
    agent: { mbus: 'nats://10.0.0.6:4222', blobstore: null },
    disks: { system: '/dev/vda' },
  });
  expect(settings).not.toHaveProperty('blobstore');
  expect(settings.disks).toEqual({ system: '/dev/vda', persistent: {} });
  expect(settings.ntp).toEqual([]);
});

test('the config drive holds metadata, which the agent insists on, and the settings, for root alone', () => {
  const settings = buildAgentSettings(input);
  const files = configDriveFiles(settings);
  const parsed = files.map(({ path, content }) => [path, JSON.parse(Buffer.from(content).toString())]);
  expect(Object.fromEntries(parsed)).toEqual({
    'ec2/latest/meta-data.json': { 'instance-id': settings.vm.id, 'public-keys': {} },
    'ec2/latest/user-data': settings,
  });
  expect(files.every((file) => file.mode === undefined || file.mode === 0o600)).toBe(true);
});
