import { describe, expect, test } from 'vitest';
import { MemoryHost } from '../../../support/memory-backend.ts';
import { MemoryCpi } from '../../../support/memory-cpi.ts';
import { withVmAndDisk } from './world.ts';

test('has_vm answers both ways', async () => {
  const { cpi, vm } = await withVmAndDisk();
  expect(await cpi.call('has_vm', vm)).toBe(true);
  for (const none of ['vm-none', '', '../vm']) expect(await cpi.call('has_vm', none)).toBe(false);
});

test('delete_vm keeps the disks that were attached, and can be repeated', async () => {
  const { cpi, vm, disk } = await withVmAndDisk();
  await cpi.call('attach_disk', vm, disk);
  expect(await cpi.call('delete_vm', vm)).toBeNull();
  expect(await cpi.call('delete_vm', vm)).toBeNull();
  expect(await cpi.call('has_vm', vm)).toBe(false);
  expect(await cpi.call('has_disk', disk)).toBe(true);
  expect(await cpi.call('delete_disk', disk)).toBeNull();
});

test('reboot_vm boots it anew, also when it is off', async () => {
  const { cpi, host, vm } = await withVmAndDisk();
  expect(await cpi.call('reboot_vm', vm)).toBeNull();
  host.vm(vm).state = 'off';
  await cpi.call('reboot_vm', vm);
  expect(host.vm(vm)).toMatchObject({ state: 'running', boots: 3 });
});

test('set_vm_metadata and set_disk_metadata keep what bosh says', async () => {
  const { cpi, host, vm, disk } = await withVmAndDisk();
  expect(await cpi.call('set_vm_metadata', vm, { name: 'tiny/0', index: '0' })).toBeNull();
  expect(await cpi.call('set_disk_metadata', disk, { deployment: 'tiny' })).toBeNull();
  expect(host.vm(vm).metadata).toEqual({ name: 'tiny/0', index: '0' });
  expect(host.disk(disk).metadata).toEqual({ deployment: 'tiny' });
});

describe('calculate_vm_cloud_properties', () => {
  const cpi = new MemoryCpi(new MemoryHost());
  test.each([
    [
      { cpu: 2, ram: 4096, ephemeral_disk_size: 10240 },
      { cpus: 2, memory: 4096, ephemeral_disk: 10240 },
    ],
    [
      { cpu: 0.5, ram: 100.2, ephemeral_disk_size: 0 }, // rounded up, memory to a whole step of 64 MiB
      { cpus: 1, memory: 128, ephemeral_disk: 0 },
    ],
    [
      { cpu: 1.01, ram: 0, ephemeral_disk_size: 99.5 },
      { cpus: 2, memory: 64, ephemeral_disk: 100 },
    ],
  ])('%j', async (needs, properties) => {
    expect(await cpi.call('calculate_vm_cloud_properties', needs)).toEqual(properties);
  });

  test('names what is missing', async () => {
    const { type, message } = await cpi.failure('calculate_vm_cloud_properties', { cpu: 1, ram: 1 });
    expect([type, message]).toEqual(['CpiError', expect.stringContaining('ephemeral_disk_size')]);
  });
});

test.each([['reboot_vm'], ['set_vm_metadata'], ['attach_disk'], ['detach_disk'], ['get_disks']])(
  '%s of a VM that is not there is VMNotFound',
  async (method) => {
    const { cpi, disk } = await withVmAndDisk();
    const second = { set_vm_metadata: {}, attach_disk: disk, detach_disk: disk }[method];
    const { type, message } = await cpi.failure(method, 'vm-none', ...(second === undefined ? [] : [second]));
    expect([type, message]).toEqual(['VMNotFound', "VM 'vm-none' not found"]);
  },
);
