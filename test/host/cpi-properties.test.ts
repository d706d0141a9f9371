/** What VM types can ask of the qemu backend, in libvirt's eyes and in a guest's; one guest is booted, of a VMware image. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VmCid } from '../../src/cpi/backend.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { CpiHost } from '../support/cpi-host.ts';
import { ProbeGuests } from '../support/probe-guests.ts';
import { SmallVms } from '../support/small-vms.ts';

const guest = 71;

let host: CpiHost;
let cpi: BoshCpi;
let vms: SmallVms;
let guests: ProbeGuests;
const otherFolder = () => join(host.libvirtd.folder, 'other');

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  vms = await SmallVms.on(host);
  guests = await ProbeGuests.prepare(host, [guest]);
  await mkdir(otherFolder());
  await host.virsh('pool-define-as', 'other', 'dir', '--target', otherFolder());
  await host.virsh('pool-start', 'other');
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

const xmlOf = async (vm: string) => await host.virsh('dumpxml', vm);
const refused = async (properties: object) => {
  const { type, message } = await cpi.failure('create_vm', ...vms.request({ properties }));
  expect(await host.vmNames()).toEqual([]);
  expect(await host.volumeNames('vm-')).toEqual([]);
  return `${type}: ${message}`;
};

test('a named processor is the VM’s, and one that cannot be had is refused by its name', async () => {
  const vm = await vms.create(41, { properties: { cpu_model: 'Nehalem', machine: 'q35' } });
  expect(await xmlOf(vm)).toMatch(/<model fallback='forbid'>Nehalem<\/model>/);
  expect(await xmlOf(vm)).toMatch(/machine='pc-q35/);
  await cpi.call('delete_vm', vm);

  expect(await refused({ cpu_model: 'host-passthrough' })).toMatch(
    /^CloudError: cloud_properties\.cpu_model: 'host-passthrough' .*emulated.*\nit needs KVM/,
  );
  expect(await refused({ cpu_model: 'Nehalm' })).toContain('did you mean Nehalem?');
});

test('further devices are there, and what libvirt makes of a wrong one is told', async () => {
  const devices = [
    '<watchdog model="i6300esb" action="reset"/>',
    '<serial type="null"><target port="1"/></serial>',
    '<filesystem type="mount"><driver type="virtiofs"/><source dir="/tmp"/><target dir="host-tmp"/></filesystem>',
  ];
  const vm = await vms.create(42, { properties: { devices } });
  const xml = await xmlOf(vm);
  for (const piece of ["model='i6300esb'", "port='1'", "dir='host-tmp'"]) expect(xml).toContain(piece);
  await cpi.call('delete_vm', vm);

  expect(await refused({ devices: ['<watchdog model="i6300esb"/>', '<disk/>'] })).toMatch(
    /^CloudError: cloud_properties\.devices\.1: <disk> is refused/,
  );
  expect(await refused({ devices: ['<watchdog model="none-such"/>'] })).toMatch(
    /^VMCreationFailed: .*none-such/,
  );
});

describe('UEFI', () => {
  const nvramFiles = async () => (await host.inside('ls', '/var/lib/libvirt/qemu/nvram')).split('\n');
  let vm: string;

  test('runs before any guest, with variables of the VM’s own', async () => {
    vm = await vms.create(43, { properties: { firmware: 'uefi', memory: 256 } });
    expect(await xmlOf(vm)).toMatch(/<loader readonly='yes' (secure='no' )?type='pflash'>.*OVMF_CODE/);
    expect(await nvramFiles()).toContain(`${vm}_VARS.fd`);
    const said = async () => ((await consoleOf(vm)).includes('BdsDxe') ? true : undefined);
    expect(await waitFor(said, { timeoutMs: 120_000, intervalMs: 500 })).toBe(true);
  });

  test('leaves snapshots of the whole VM impossible, which is said before libvirt is asked', async () => {
    await expect(
      host.withBackend(async ({ snapshots }) => await snapshots?.create(vm as VmCid, 'one')),
    ).rejects.toMatchObject({ type: 'NotSupported', message: expect.stringContaining('boots by UEFI') });
    expect(await host.virsh('domstate', vm)).toBe('running');
  });

  test('goes with the VM', async () => {
    await cpi.call('delete_vm', vm);
    expect(await nvramFiles()).not.toContain(`${vm}_VARS.fd`);
    expect(await host.volumeNames('vm-')).toEqual([]);
  });
});

describe('another storage pool', () => {
  const inOther = async () => await host.volumeNames('vm-', 'other');

  test('has the VM’s disks, and they go with it, the definition there or not', async () => {
    const one = await vms.create(44, { properties: { storage_pool: 'other' } });
    const two = await vms.create(45, { properties: { storage_pool: 'other' } });
    const disksOf = (vm: string) => [`${vm}-ephemeral.qcow2`, `${vm}-root.qcow2`];
    expect(await inOther()).toEqual([...disksOf(one), ...disksOf(two)].sort());
    await cpi.call('delete_vm', one);
    expect(await inOther()).toEqual(disksOf(two));
    await host.virsh('destroy', two);
    await host.virsh('undefine', two);
    await cpi.call('delete_vm', two);
    expect(await inOther()).toEqual([]);
  });

  test('that is stopped keeps the VM whole until it can be deleted', async () => {
    const vm = await vms.create(46, { properties: { storage_pool: 'other' } });
    await host.virsh('pool-destroy', 'other');
    const { type, message } = await cpi.failure('delete_vm', vm);
    expect([type, message]).toEqual(['CloudError', expect.stringContaining("Storage pool 'other'")]);
    expect(await host.vmNames()).toEqual([vm]);
    await host.virsh('pool-start', 'other');
    await cpi.call('delete_vm', vm);
    expect(await readdir(otherFolder())).toEqual([]);
  });

  test('is none for persistent disks, which is said', async () => {
    const { type, message } = await cpi.failure('create_disk', 16, { storage_pool: 'other' }, null);
    expect([type, message]).toEqual(['NotSupported', expect.stringContaining("not in 'other'")]);
    const disk = await cpi.call('create_disk', 16, { storage_pool: host.config.storagePool }, null);
    expect((await cpi.failure('update_disk', disk, 32, { storage_pool: 'other' })).type).toBe('NotSupported');
    await cpi.call('delete_disk', disk);
  });

  test('is cleared of the environment’s VMs and of nothing else', async () => {
    await vms.create(47, { properties: { storage_pool: 'other' } });
    await writeFile(join(otherFolder(), 'of-somebody'), 'x');
    await host.withBackend(async ({ ground }) => await ground.clear());
    expect(await readdir(otherFolder())).toEqual(['of-somebody']);
    await host.layGround();
    vms = await SmallVms.on(host);
  });

  test('must be there', async () => {
    expect(await refused({ storage_pool: 'nowhere' })).toMatch(
      /^CloudError: cloud_properties\.storage_pool: there is no storage pool 'nowhere'/,
    );
  });
});

describe('a vsphere stemcell, its image a VMDK beside an OVF', () => {
  let stemcell: unknown;
  let vm: string;
  const disks: string[] = [];

  beforeAll(async () => {
    stemcell = await cpi.call('create_stemcell', await vmwareImage(), { infrastructure: 'vsphere' });
  });

  test('boots by its agent’s answer, all its disks on SCSI in another pool', async () => {
    const properties = { firmware: 'bios', storage_pool: 'other' };
    const created = await cpi.call('create_vm', ...guests.request('agent', stemcell, guest, properties));
    vm = (created as [string])[0];
    expect(await xmlOf(vm)).not.toContain("bus='virtio'/>\n      <serial>");
    await guests.awake(guest);
    expect(await guests.shell(guest, 'grep -c " /var/vcap/data " /proc/mounts')).toBe('1');
    expect(await guests.shell(guest, 'ls /sys/block')).not.toContain('vda');
  });

  test('finds its settings on the disc as a vsphere agent looks for them', async () => {
    const read = 'mkdir -p /mnt/cd && mount -o ro /dev/sr0 /mnt/cd && cat /mnt/cd/env && umount /mnt/cd';
    const settings = JSON.parse(await guests.shell(guest, read)) as object;
    expect(settings).toMatchObject({
      agent_id: 'agent',
      disks: { ephemeral: { path: expect.stringContaining('ephemeral'), id: 'ephemeral' } },
    });
  });

  test('keeps more disks than one controller’s units over a cold start, each at its place', async () => {
    for (let count = 0; count < 9; count++) {
      const disk = String(await cpi.call('create_disk', 16, {}, vm));
      const hint = await cpi.call('attach_disk', vm, disk);
      expect(hint).toEqual({
        path: `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${disk}`,
        id: disk.replace('disk-', ''),
      });
      disks.push(disk);
    }
    const agent = guests.agent(guest);
    const [first = ''] = disks;
    await agent.addPersistentDisk(first, await cpi.call('attach_disk', vm, first));
    await agent.mountDisk(first);
    await guests.shell(guest, 'echo kept >/var/vcap/store/note; sync');
    await cpi.call('reboot_vm', vm);
    await guests.awake(guest);
    expect(await cpi.call('get_disks', vm)).toEqual(disks);
    expect(await guests.shell(guest, 'ls -d /sys/block/sd* | wc -l')).toBe(String(disks.length + 2));
    expect(await guests.shell(guest, 'cat /var/vcap/store/note')).toBe('kept');
  });

  test('lets go of them', async () => {
    for (const disk of disks.slice(1)) {
      await cpi.call('detach_disk', vm, disk);
      await cpi.call('delete_disk', disk);
    }
    expect(await cpi.call('get_disks', vm)).toEqual(disks.slice(0, 1));
    await cpi.call('delete_vm', vm);
    await cpi.call('delete_stemcell', stemcell);
  });
});

const consoleOf = async (vm: string): Promise<string> =>
  await host.withBackend(async ({ ground }) => await text(ground.consoleLog(vm as VmCid)));

/** The probe stemcell's disk as a vsphere stemcell holds it, for the path of its file `image`. */
async function vmwareImage(): Promise<string> {
  const folder = join(host.libvirtd.folder, 'vsphere');
  await mkdir(folder);
  const inFolder = { cwd: folder };
  await run(['tar', '-xzf', guests.imagePath], inFolder);
  const [disk = ''] = await readdir(folder);
  const convert = ['qemu-img', 'convert', '-O', 'vmdk', '-o', 'subformat=streamOptimized'] as const;
  await run([...convert, disk, 'image-disk1.vmdk'], inFolder);
  await writeFile(join(folder, 'image.ovf'), '<?xml version="1.0"?>\n<Envelope/>\n');
  await run(['tar', '-czf', 'image', 'image.ovf', 'image-disk1.vmdk'], inFolder);
  return join(folder, 'image');
}
