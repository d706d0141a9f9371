import { expect, test } from 'vitest';
import type { JsonObject } from '../../../../src/cpi/backend.ts';
import { MemoryHost } from '../../../support/memory-backend.ts';
import { MemoryCpi } from '../../../support/memory-cpi.ts';
import { networks, withStemcell } from './world.ts';

test('create_network answers CID, addresses and cloud properties, and delete_network can be repeated', async () => {
  const host = new MemoryHost();
  const cpi = new MemoryCpi(host);
  const request = {
    type: 'manual',
    range: '10.9.0.0/24',
    gateway: '10.9.0.1',
    cloud_properties: { mode: 'nat' },
  };
  const [cid, addresses, properties] = (await cpi.call('create_network', request)) as [
    string,
    object,
    object,
  ];
  expect(cid).toMatch(/^net-[0-9a-f]{16}$/);
  expect(addresses).toEqual({ range: '10.9.0.0/24', gateway: '10.9.0.1', reserved: ['10.9.0.1'] });
  expect(properties).toEqual({ mode: 'nat', name: cid });
  for (const _ of [1, 2]) expect(await cpi.call('delete_network', cid)).toBeNull();
  expect(host.networks.size).toBe(0);
});

test.each([24, '24'])('netmask_bits may be a number or text: %j', async (netmask_bits) => {
  const host = new MemoryHost();
  await new MemoryCpi(host).call('create_network', { type: 'manual', netmask_bits, cloud_properties: null });
  expect([...host.networks.values()]).toEqual([
    { range: undefined, gateway: undefined, netmaskBits: 24, cloudProperties: {} },
  ]);
});

test('a network with a VM stays', async () => {
  const { cpi, stemcell } = await withStemcell();
  const [cid, , cloud_properties] = (await cpi.call('create_network', {})) as [string, object, JsonObject];
  const on = { a: { ...networks.public, cloud_properties } };
  const [vm] = (await cpi.call('create_vm', 'agent', stemcell, {}, on, [], {})) as [string];
  expect((await cpi.failure('delete_network', cid)).message).toContain(cid);
  await cpi.call('delete_vm', vm);
  await cpi.call('delete_network', cid);
});

test('create_vm tells BOSH and the agent of dynamic addresses, and one MAC for a nic_group', async () => {
  const { cpi, host, stemcell } = await withStemcell();
  const request = {
    v4: { ...networks.private, nic_group: '1' },
    v6: { type: 'manual', ip: 'fd00::6', prefix: '64', cloud_properties: {}, nic_group: '1' },
    dynamic: { type: 'dynamic', cloud_properties: {}, default: ['gateway'] },
  };
  const answer = await cpi.call('create_vm', 'agent', stemcell, {}, request, [], {});
  const [cid, told] = answer as unknown as [string, Record<string, JsonObject>];
  expect(Object.keys(told)).toEqual(['v4', 'v6', 'dynamic']);
  expect(told.v4).toMatchObject({ later_key: 'kept', mac: told.v6?.mac });
  expect(told.dynamic).toMatchObject({
    type: 'dynamic',
    ip: expect.any(String),
    netmask: expect.any(String),
  });
  const [vm] = host.vms.values();
  expect(vm?.spec.nics.map((nic) => nic.networks)).toEqual([['dynamic'], ['v4', 'v6']]);
  expect(vm?.spec.nics[1]?.ips).toEqual(['10.1.0.6', 'fd00::6']);
  expect(vm?.settings?.networks).toEqual(told);
  const taken = await cpi.failure('create_vm', 'agent', stemcell, {}, networks, [], {});
  expect(taken.message).toContain(`10.1.0.6 is in use by VM ${cid}`);
});
