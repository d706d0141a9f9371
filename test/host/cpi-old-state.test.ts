/** What an earlier version left in libvirt (test/fixtures/old-state), taken over by this one. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/platform/package-root.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { addressOf, CpiHost, networkAt } from '../support/cpi-host.ts';

const vm = 'vm-edf1adcfe5471a270';
const disk = 'disk-6e9075b6fb4abe1';
const stemcell = 'sc-26ab098b188322b3f';
const recorded = (name: string): string => join(packageRoot(), 'test/fixtures/old-state', name);

let host: CpiHost;
let cpi: BoshCpi;

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  await bringBack();
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

test('VM and disk are known, and to each other', async () => {
  for (const [method, cid] of [
    ['has_vm', vm],
    ['has_disk', disk],
  ] as const)
    expect(await cpi.call(method, cid)).toBe(true);
  expect(await cpi.call('get_disks', vm)).toEqual([disk]);
  const { type, message } = await cpi.failure('delete_disk', disk);
  expect([type, message]).toEqual(['CloudError', expect.stringContaining(vm)]);
});

test('people are told of them what they always were', async () => {
  const nic = (network: string, mac: string, number: number) => ({
    networks: [network],
    hostNetwork: host.config.network,
    mac,
    ips: [addressOf(number)],
  });
  await host.withBackend(async ({ ground }) => {
    const { vms, disks, stemcells } = await ground.inventory();
    expect(vms).toMatchObject([
      {
        cid: vm,
        environment: 'test',
        state: 'off',
        stemcell,
        disks: [disk],
        nics: [nic('default', '52:54:00:0b:93:9e', 9), nic('v', '52:54:00:f8:cc:93', 10)],
      },
    ]);
    expect([disks, stemcells]).toEqual([[disk], [stemcell]]);
    const census = await ground.census();
    expect(census.vms).toMatchObject([{ metadata: { name: 'db/0', deployment: 'cf' } }]);
    expect(census.disks).toMatchObject([
      { attachedTo: vm, metadata: { deployment: 'cf', instance_id: 'i-1' } },
    ]);
  });
});

test.each([9, 10])('its address %i is in use', async (number) => {
  const { type, message } = await cpi.failure('create_vm', ...request(number));
  expect([type, message]).toEqual(['VMCreationFailed', expect.stringContaining(`in use by VM ${vm}`)]);
});

test('the VM runs, a new one stands on the same stemcell, and the disk goes from one to the other', async () => {
  await cpi.call('reboot_vm', vm);
  expect(await host.virsh('domstate', vm)).toBe('running');
  const [other] = (await cpi.call('create_vm', ...request(11))) as [string];
  expect((await cpi.failure('attach_disk', other, disk)).message).toContain(`attached to VM '${vm}'`);
  await cpi.call('resize_disk', disk, 32);
  const snapshot = await cpi.call('snapshot_disk', disk, {});
  await host.virsh('destroy', vm);
  await cpi.call('detach_disk', vm, disk);
  expect((await cpi.failure('detach_disk', vm, disk)).type).toBe('DiskNotAttached');
  await cpi.call('attach_disk', other, disk);
  await cpi.call('set_vm_metadata', vm, { name: 'db/1', deployment: 'cf' });
  expect(await cpi.call('get_disks', vm)).toEqual([]);
  await cpi.call('delete_vm', other);
  await cpi.call('delete_snapshot', snapshot);
});

test('all of it can be deleted', async () => {
  await cpi.call('delete_vm', vm);
  expect(await host.volumeNames('vm-')).toEqual([]);
  await cpi.call('delete_disk', disk);
  await cpi.call('delete_stemcell', stemcell);
  expect(await host.vmNames()).toEqual([]);
  expect(await host.volumeNames()).toEqual([]);
});

/** A create_vm on the old stemcell. */
const request = (number: number): unknown[] => [
  'agent-new',
  stemcell,
  { cpus: 1, memory: 64, ephemeral_disk: 16 },
  { default: networkAt(number) },
  [],
  {},
];

async function bringBack(): Promise<void> {
  const make = (name: string, size: string, format: string) =>
    host.virsh('vol-create-as', host.config.storagePool, name, size, '--format', format);
  await make(`${stemcell}.img`, '256K', 'raw');
  await make(`${stemcell}-51d539356786.claim`, '0', 'raw'); // director-1's
  await make(`${disk}.qcow2`, '16M', 'qcow2');
  for (const own of ['root', 'ephemeral']) await make(`${vm}-${own}.qcow2`, '16M', 'qcow2');
  await make(`${vm}-config.iso`, '50K', 'raw');
  await make(`${vm}-console.log`, '0', 'raw');
  for (const cid of [disk, stemcell])
    await copyFile(recorded(`${cid}.json`), join(host.poolPath, `${cid}.json`));
  await host.virsh('pool-refresh', host.config.storagePool);
  const definition = await readFile(recorded('domain.xml'), 'utf8');
  const path = join(host.libvirtd.folder, 'old.xml');
  await writeFile(
    path,
    definition.replaceAll('{{pool}}', host.poolPath).replaceAll('{{network}}', host.config.network),
  );
  await host.virsh('define', path);
}
