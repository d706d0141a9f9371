import { describe, expect, test } from 'vitest';
import type { VmCid } from '../../../../src/cpi/backend.ts';
import { CloudError } from '../../../../src/cpi/errors.ts';
import type { Act } from '../../../support/memory-backend.ts';
import { env, networks, withStemcell } from './world.ts';

type Created = [VmCid, Record<string, Record<string, unknown>>];

test('answers the CID and the networks as they came, each with its MAC', async () => {
  const { cpi, host, stemcell } = await withStemcell();
  const [cid, answered] = (await cpi.call(
    'create_vm',
    'agent-1',
    stemcell,
    {},
    networks,
    [],
    env,
  )) as unknown as Created;
  expect(cid).toMatch(/^vm-[0-9a-f]{17}$/);
  const mac = expect.stringMatching(/^52:54:00(:[0-9a-f]{2}){3}$/);
  expect(answered).toEqual({
    private: { ...networks.private, mac },
    public: { ...networks.public, mac },
  });
  expect(answered.private?.mac).not.toBe(answered.public?.mac);
  expect(host.vm(cid).state).toBe('running');
  expect(host.vm(cid).spec.nics.map((nic) => nic.mac)).toEqual([answered.public?.mac, answered.private?.mac]);
});

test('the agent’s settings are there before the VM starts, and say what a real agent needs', async () => {
  const { cpi, host, stemcell } = await withStemcell();
  const [cid, answered] = (await cpi.call(
    'create_vm',
    'agent-1',
    stemcell,
    {},
    networks,
    [],
    env,
  )) as unknown as Created;
  expect(host.vm(cid).settings).toEqual({
    agent_id: 'agent-1',
    vm: { name: cid, id: cid },
    mbus: 'https://mbus:mbus-pw@0.0.0.0:6868',
    ntp: ['ntp.example'],
    networks: answered,
    disks: { system: '/dev/vda', ephemeral: { path: '/dev/vdb' }, persistent: {} },
    env,
  });
});

test('without an ephemeral disk the settings name none', async () => {
  const { cpi, host, stemcell } = await withStemcell();
  const properties = { ephemeral_disk: 0 };
  const [cid] = (await cpi.call(
    'create_vm',
    'a',
    stemcell,
    properties,
    networks,
    [],
    {},
  )) as unknown as Created;
  expect(host.vm(cid).settings?.disks).toEqual({ system: '/dev/vda', persistent: {} });
});

test.each([
  ['all null that may be', [null, networks, null, null]],
  ['no env', [{}, networks, []]],
  ['no networks', [{}, {}, [], {}]],
  ['disks of before', [{}, networks, ['disk-0123456789abcde'], {}]],
])('takes %s', async (_, rest) => {
  const { cpi, host, stemcell } = await withStemcell();
  const [cid] = (await cpi.call('create_vm', 'agent-1', stemcell, ...rest)) as unknown as Created;
  expect(host.vm(cid).state).toBe('running');
});

describe('a create_vm that fails leaves nothing, since bosh never learns its CID', () => {
  test.each<[Act]>([['networks.plan'], ['vms.create'], ['settings.write'], ['vms.start']])(
    '%s',
    async (act) => {
      const { cpi, host, stemcell } = await withStemcell();
      host.failures.set(act, new CloudError('VMCreationFailed', 'address in use', { okToRetry: true }));
      expect(await cpi.failure('create_vm', 'agent-1', stemcell, {}, networks, [], env)).toEqual({
        type: 'VMCreationFailed',
        message: 'address in use',
        ok_to_retry: true,
      });
      expect([host.vms.size, host.open]).toEqual([0, 0]);
    },
  );

  test('the first error is told though taking back fails as well', async () => {
    const { cpi, host, stemcell } = await withStemcell();
    host.failures.set('vms.start', new CloudError('VMCreationFailed', 'no memory'));
    host.failures.set('vms.delete', new Error('gone away'));
    const { message } = await cpi.failure('create_vm', 'agent-1', stemcell, {}, networks, [], env);
    expect(message).toBe('no memory');
    expect(cpi.log).toMatch(/undo: delete the half-made VM vm-\w+: gone away/);
  });

  test('an unknown stemcell', async () => {
    const { cpi, host } = await withStemcell();
    const { type, message } = await cpi.failure('create_vm', 'agent-1', 'sc-none', {}, networks, [], env);
    expect(type).toBe('StemcellNotFound');
    expect(message).toContain("Stemcell 'sc-none' not found\nupload it again");
    expect(host.vms.size).toBe(0);
  });
});
