/**
 * The life of VMs and disks, one story in order: the CPI is called as bosh calls it, and what came of it is asked of libvirt
 * by virsh and of the guests by their agents and by ssh.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { VmCid } from '../../src/cpi/backend.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { addressOf, CpiHost, gateway, mbusPassword, networkAt } from '../support/cpi-host.ts';
import { ProbeGuests } from '../support/probe-guests.ts';

/** Guests by the last number of their addresses. */
const [a, b, c] = [11, 12, 13];
const otherAddress = '10.244.79.11';

let host: CpiHost;
let cpi: BoshCpi;
let guests: ProbeGuests;
let stemcell: string;
let imageHash: string;
const vms = new Map<number, string>();
const vmOf = (guest: number): string => vms.get(guest) ?? 'no VM';
let disk: string;

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  guests = await ProbeGuests.prepare(host, [a, b, c]);
  await defineOtherNetwork();
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

test('info answers while libvirtd is down, and nothing else does', async () => {
  const uri = 'qemu+unix:///system?socket=/nonexistent/libvirt-sock';
  const cut = await host.cpiWith('cut', { uri });
  const formats = ['openstack-qcow2', 'openstack-raw', 'vsphere-ovf', 'vsphere-ova'];
  expect(await cut.call('info')).toEqual({ stemcell_formats: formats, api_version: 3 });
  const { type, message } = await cut.failure('has_vm', 'vm-0123456789abcdef0');
  expect([type, message]).toEqual(['CloudError', expect.stringContaining('/nonexistent/libvirt-sock')]);
});

test('a real stemcell is imported once', async () => {
  stemcell = String(await cpi.call('create_stemcell', guests.imagePath, { disk: 1024 }));
  expect(stemcell).toMatch(/^sc-[0-9a-f]{17}$/);
  imageHash = await hashOfImage();
  expect(await cpi.call('create_stemcell', guests.imagePath, {})).toBe(stemcell);
});

test('two VMs made at once on one stemcell both come up', async () => {
  const [agentId, cid, size, networks, disks, env] = guests.request('agent-a', stemcell, a);
  const other = {
    type: 'manual',
    ip: otherAddress,
    netmask: '255.255.255.0',
    cloud_properties: { name: 'other' },
  };
  const both = { other, ...(networks as object) };
  const created = await Promise.all([
    cpi.call('create_vm', agentId, cid, size, both, disks, env),
    cpi.call('create_vm', ...guests.request('agent-b', stemcell, b)),
  ]);
  for (const [at, answer] of created.entries()) vms.set([a, b][at] ?? 0, (answer as [string])[0]);
  expect(await host.vmNames()).toEqual([...vms.values()].sort());
  await Promise.all([guests.awake(a), guests.awake(b)]);
});

test('the guest has read its settings: who it is, its networks in order, its disks', async () => {
  const { agent_id: agentId, networks } = await guests.agent(a).getState();
  expect(agentId).toBe('agent-a');
  const macs = await macsOf(vmOf(a));
  expect(networks).toMatchObject({
    default: { ...networkAt(a), mac: macs[0] },
    other: { ip: otherAddress, mac: macs[1] },
  });
  expect(await guests.shell(a, 'cat /sys/class/net/eth0/address /sys/class/net/eth1/address')).toBe(
    macs.join('\n'),
  );
  const addresses = await guests.shell(a, 'ip -o -4 addr');
  expect(addresses).toMatch(new RegExp(`eth0 +inet ${addressOf(a)}/24`));
  expect(addresses).toMatch(new RegExp(`eth1 +inet ${otherAddress}/24`));
  expect(await guests.shell(a, 'ip route show default')).toContain(`via ${gateway} dev eth0`);
  expect(await guests.shell(a, 'grep " /var/vcap/data " /proc/mounts')).toMatch(/^\/dev\/vdb1 /);
});

test('neither of the two sees what the other writes, and the stemcell is as it was', async () => {
  await guests.shell(a, 'echo of-a >/root/note; sync');
  expect(await guests.shell(b, 'cat /root/note 2>&1 || true')).toContain('No such file');
  await guests.shell(b, 'echo of-b >/root/note; sync');
  expect(await guests.shell(a, 'cat /root/note')).toBe('of-a');
  expect(await hashOfImage()).toBe(imageHash);
});

test('set_vm_metadata can be read by virsh, now and after a restart', async () => {
  const metadata = { deployment: 'cf', job: 'web', name: 'web/0', index: '0', tag: '<&">é', count: 3 };
  await cpi.call('set_vm_metadata', vmOf(a), metadata);
  expect(await host.virsh('desc', '--title', vmOf(a))).toBe('web/0 (cf)');
  for (const where of ['--live', '--config']) {
    const xml = await host.virsh('metadata', vmOf(a), 'urn:boshvirt:bosh-metadata:1', where);
    expect(xml).toContain('<entry name="job">web</entry>');
    expect(xml).toContain('<entry name="tag">&lt;&amp;"&gt;é</entry>');
    expect(xml).toContain('<entry name="count">3</entry>');
  }
});

test('a disk attached to a running VM is a disk in the guest', async () => {
  disk = String(await cpi.call('create_disk', 128, {}, vmOf(a)));
  expect(disk).toMatch(/^disk-[0-9a-f]{15}$/);
  expect(await cpi.call('has_disk', disk)).toBe(true);
  expect(await serialsIn(a)).not.toContain(disk);

  const hint = await cpi.call('attach_disk', vmOf(a), disk);
  expect(hint).toEqual({ path: `/dev/disk/by-id/virtio-${disk}` });
  await cpi.call('set_disk_metadata', disk, { deployment: 'cf' });
  await seen(a, [disk]);
  const agent = guests.agent(a);
  await agent.addPersistentDisk(disk, hint);
  await agent.mountDisk(disk);
  expect(await agent.listDisk()).toEqual([disk]);
  await guests.shell(a, 'echo kept >/var/vcap/store/note');
});

test('attaching it again changes nothing, and elsewhere it is refused', async () => {
  const before = await host.virsh('dumpxml', vmOf(a));
  expect(await cpi.call('attach_disk', vmOf(a), disk)).toEqual({ path: `/dev/disk/by-id/virtio-${disk}` });
  expect(await host.virsh('dumpxml', vmOf(a))).toBe(before);
  expect(await cpi.call('get_disks', vmOf(a))).toEqual([disk]);
  const owner = expect.stringContaining(`attached to VM '${vmOf(a)}'`);
  for (const refused of [
    await cpi.failure('attach_disk', vmOf(b), disk),
    await cpi.failure('delete_disk', disk),
  ])
    expect(refused).toEqual({ type: 'CloudError', message: owner, retry: false });
  expect(await cpi.call('get_disks', vmOf(b))).toEqual([]);
});

test('a detached disk is gone from guest and definition, and detaching it again is an error', async () => {
  await letGo(a, disk);
  await cpi.call('detach_disk', vmOf(a), disk);
  expect(await serialsIn(a)).not.toContain(disk);
  for (const options of [[], ['--inactive']])
    expect(await host.virsh('dumpxml', vmOf(a), ...options)).not.toContain(disk);
  expect(await cpi.call('get_disks', vmOf(a))).toEqual([]);
  expect((await cpi.failure('detach_disk', vmOf(a), disk)).type).toBe('DiskNotAttached');
  expect((await cpi.failure('detach_disk', vmOf(a), 'disk-000000000000000')).type).toBe('DiskNotFound');
  expect((await cpi.failure('attach_disk', vmOf(a), 'disk-000000000000000')).type).toBe('DiskNotFound');
});

test('attached to another VM it has its data', async () => {
  await mount(b, disk);
  expect(await guests.shell(b, 'cat /var/vcap/store/note')).toBe('kept');
});

test('reboot_vm asks the guest first and starts a VM that is off; the disk is there afterwards', async () => {
  await guests.shell(b, 'echo by-b >>/var/vcap/store/note');
  await host.virsh('destroy', vmOf(a));
  const startAndRebootA = async () => {
    await cpi.call('reboot_vm', vmOf(a));
    await cpi.call('reboot_vm', vmOf(a)); // it still boots, and is asked until it hears
  };
  await Promise.all([cpi.call('reboot_vm', vmOf(b)), startAndRebootA()]);
  const [agent] = await Promise.all([guests.awake(b), guests.awake(a)]);
  const console = await consoleOf(b);
  expect(count(console, 'probe: shutting down')).toBe(1);
  expect(count(console, 'probe: root file system is mounted')).toBe(2);
  expect(console).not.toMatch(/recovering journal/);
  expect(count(await consoleOf(a), 'probe: shutting down')).toBe(1);
  expect(await agent.listDisk()).toEqual([disk]);
  expect(await guests.shell(b, 'cat /var/vcap/store/note')).toBe('kept\nby-b');
  expect(cpi.log).not.toMatch(/did not shut down/);
});

test('delete_vm keeps a disk that is attached', async () => {
  expect(await cpi.call('has_vm', vmOf(b))).toBe(true);
  await cpi.call('delete_vm', vmOf(b));
  expect(await cpi.call('has_vm', vmOf(b))).toBe(false);
  await cpi.call('delete_vm', vmOf(b));
  expect(await host.vmNames()).toEqual([vmOf(a)]);
  expect(await cpi.call('has_disk', disk)).toBe(true);
  const left = await host.volumeNames('vm-');
  expect(left.every((name) => name.startsWith(vmOf(a)))).toBe(true);
});

test('a new VM, on the other machine type, reads the disk that the deleted one had', async () => {
  const q35 = await host.cpiWith('q35', { options: { machine: 'q35' } });
  const created = await q35.call('create_vm', ...guests.request('agent-c', stemcell, c));
  vms.set(c, (created as [string])[0]);
  expect(await host.virsh('dumpxml', vmOf(c))).toMatch(/machine='pc-q35/);
  await guests.awake(c);
  await mount(c, disk);
  expect(await guests.shell(c, 'cat /var/vcap/store/note')).toBe('kept\nby-b');
});

test('a guest that still boots lets go of a disk as soon as it can', async () => {
  await host.virsh('reset', vmOf(a));
  const early = String(await cpi.call('create_disk', 16, {}, null));
  await cpi.call('attach_disk', vmOf(a), early);
  await cpi.call('detach_disk', vmOf(a), early);
  expect(await host.virsh('dumpxml', vmOf(a))).not.toContain(early);
  await cpi.call('delete_disk', early);
  await guests.awake(a);
  expect(await serialsIn(a)).not.toContain(early);
});

test('ten more disks are all there at once, in both machine types, and after a reboot', async () => {
  const made = await Promise.all(
    Array.from({ length: 20 }, async () => String(await cpi.call('create_disk', 16, {}, null))),
  );
  const [ofA, ofC] = [made.slice(0, 10), made.slice(10)];
  const attachAll = async (guest: number, disks: string[]) => {
    for (const each of disks) await cpi.call('attach_disk', vmOf(guest), each);
  };
  await Promise.all([attachAll(a, ofA), attachAll(c, ofC)]);
  await seen(a, ofA);
  await seen(c, ofC);
  await cpi.call('reboot_vm', vmOf(c));
  const agent = await guests.awake(c);
  await seen(c, [...ofC, disk]);
  expect(await agent.listDisk()).toEqual([disk]);
  expect((await cpi.call('get_disks', vmOf(c))) as string[]).toHaveLength(11);

  const detachAll = async (guest: number, disks: string[]) => {
    for (const each of disks) await cpi.call('detach_disk', vmOf(guest), each);
  };
  await Promise.all([detachAll(a, ofA), detachAll(c, ofC)]);
  expect((await serialsIn(a)).filter((serial) => serial.startsWith('disk-'))).toEqual([]);
  expect((await serialsIn(c)).filter((serial) => serial.startsWith('disk-'))).toEqual([disk]);
  await Promise.all(made.map((each) => cpi.call('delete_disk', each)));
});

test('a paused guest cannot let go of a disk: that is said, and it can once it runs', async () => {
  const other = String(await cpi.call('create_disk', 16, {}, null));
  await cpi.call('attach_disk', vmOf(a), other);
  await host.virsh('suspend', vmOf(a));
  const { type, message } = await cpi.failure('detach_disk', vmOf(a), other);
  expect([type, message]).toEqual(['CloudError', expect.stringContaining('is paused')]);
  for (const options of [[], ['--inactive']])
    expect(await host.virsh('dumpxml', vmOf(a), ...options)).toContain(other);
  await host.virsh('resume', vmOf(a));
  await cpi.call('detach_disk', vmOf(a), other);
  expect(await serialsIn(a)).not.toContain(other);
  await cpi.call('delete_disk', other);
});

test('the log tells no secret', () => {
  expect(cpi.log).toContain('create_vm: done in');
  for (const secret of [mbusPassword, 'PRIVATE KEY', 'BEGIN CERT']) expect(cpi.log).not.toContain(secret);
});

test('at the end nothing is left, neither domain nor volume', async () => {
  expect(await hashOfImage()).toBe(imageHash);
  for (const guest of [a, c]) await cpi.call('delete_vm', vmOf(guest));
  await cpi.call('delete_disk', disk);
  expect(await cpi.call('has_disk', disk)).toBe(false);
  await cpi.call('delete_disk', disk);
  await cpi.call('delete_stemcell', stemcell);
  expect(await host.vmNames()).toEqual([]);
  expect(await host.volumeNames()).toEqual([]);
});

async function mount(guest: number, cid: string): Promise<void> {
  const hint = await cpi.call('attach_disk', vmOf(guest), cid);
  const agent = guests.agent(guest);
  await agent.addPersistentDisk(cid, hint);
  await agent.mountDisk(cid);
}

async function letGo(guest: number, cid: string): Promise<void> {
  const agent = guests.agent(guest);
  await agent.unmountDisk(cid);
  await agent.removePersistentDisk(cid);
}

/** Serial numbers of the virtio disks that the guest's kernel has. */
async function serialsIn(guest: number): Promise<string[]> {
  const serials = await guests.shell(guest, 'for disk in /sys/block/vd*; do cat $disk/serial; echo; done');
  return serials.split('\n').filter((serial) => serial !== '');
}

/** Waits until the guest has these disks: its kernel looks at a new one in its own time. */
async function seen(guest: number, disks: readonly string[]): Promise<void> {
  const all = async () => {
    const serials = await serialsIn(guest);
    return disks.every((each) => serials.includes(each)) ? true : undefined;
  };
  expect(await waitFor(all, { timeoutMs: 30_000 }), `disks in ${vmOf(guest)}`).toBe(true);
}

async function macsOf(vm: string): Promise<string[]> {
  const list = await host.virsh('domiflist', vm);
  return [...list.matchAll(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g)].map(([mac]) => mac);
}

const consoleOf = async (guest: number): Promise<string> =>
  await host.withBackend(async ({ ground }) => await text(ground.consoleLog(vmOf(guest) as VmCid)));

const count = (where: string, what: string): number => where.split(what).length - 1;

async function hashOfImage(): Promise<string> {
  const { stdout } = await run(['sha256sum', join(host.poolPath, `${stemcell}.img`)]);
  return stdout.split(' ')[0] ?? '';
}

async function defineOtherNetwork(): Promise<void> {
  const path = join(host.libvirtd.folder, 'other.xml');
  await writeFile(path, `<network><name>other</name><bridge name="other0"/></network>`);
  await host.virsh('net-define', path);
  await host.virsh('net-start', 'other');
}
