/** Snapshots of a real guest: what comes back, what is refused, and that a refusal leaves the machine alone. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SnapshotStore, VmCid } from '../../src/cpi/backend.ts';
import { CloudError } from '../../src/cpi/errors.ts';
import { lineLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { pause } from '../../src/platform/retry.ts';
import { CpiHost } from '../support/cpi-host.ts';
import { ProbeGuests } from '../support/probe-guests.ts';

const guest = 11;
let host: CpiHost;
let guests: ProbeGuests;
let vm: VmCid;
let disk: string;

beforeAll(async () => {
  host = await CpiHost.start();
  guests = await ProbeGuests.prepare(host, [guest]);
  const stemcell = await host.cpi.call('create_stemcell', guests.imagePath, {});
  [vm] = (await host.cpi.call('create_vm', ...guests.request('agent', stemcell, guest))) as [VmCid];
  disk = String(await host.cpi.call('create_disk', 64, {}, vm));
  const agent = await guests.awake(guest);
  await agent.addPersistentDisk(disk, await host.cpi.call('attach_disk', vm, disk));
  await agent.mountDisk(disk);
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

test('a snapshot brings back all disks and the memory, and the agent answers', async () => {
  await write('before');
  const facts = await withSnapshots((store) => store.create(vm, 'first'));
  expect(facts).toMatchObject({ name: 'first', withMemory: true });
  expect(Math.abs(facts.createdAt.getTime() - Date.now())).toBeLessThan(60_000);
  await write('after');

  await withSnapshots((store) => store.restore(vm, 'first'));
  const agent = await guests.awake(guest);
  expect(await read()).toEqual(Array(3).fill('before'));
  expect(await agent.listDisk()).toEqual([disk]);
});

test('the guest’s clock stays behind until it is set from the machine’s', async () => {
  const [first] = await withSnapshots((store) => store.list(vm));
  await pause(Math.max(0, Number(first?.createdAt) + 5_000 - Date.now()));
  await withSnapshots((store) => store.restore(vm, 'first'));
  await guests.awake(guest);
  expect(await secondsBehind()).toBeGreaterThan(3);
  await guests.shell(guest, 'hwclock -s -u');
  expect(Math.abs(await secondsBehind())).toBeLessThan(2);
});

test('names are taken once, and an unknown one is answered with those there are', async () => {
  await expect(withSnapshots((store) => store.create(vm, 'first'))).rejects.toThrow(
    "has a snapshot 'first' already",
  );
  await expect(withSnapshots((store) => store.restore(vm, 'second'))).rejects.toMatchObject({
    message: `VM ${vm} has no snapshot 'second'`,
    hints: ['there are: first'],
  });
});

test('a restore is refused while the VM has a disk that it did not have then', async () => {
  const late = String(await host.cpi.call('create_disk', 16, {}, null));
  await host.cpi.call('attach_disk', vm, late);
  const refused = await refusal('first');
  expect(refused.message).toContain(`not those of snapshot 'first'`);
  expect(refused.hints).toEqual([`detach ${join(host.poolPath, `${late}.qcow2`)}`, 'then restore again']);
  await host.cpi.call('detach_disk', vm, late);
  await host.cpi.call('delete_disk', late);
  await write('after');
  await withSnapshots((store) => store.restore(vm, 'first'));
  await guests.awake(guest);
  expect(await read()).toEqual(Array(3).fill('before'));
});

test('a restore is refused while a file that it needs is away, even if libvirt has not noticed', async () => {
  const path = join(host.poolPath, `${disk}.qcow2`);
  await rename(path, `${path}.away`);
  try {
    const refused = await refusal('first');
    expect([refused.type, refused.message]).toEqual(['DiskNotFound', expect.stringContaining(path)]);
  } finally {
    await rename(`${path}.away`, path);
  }
  await withSnapshots((store) => store.restore(vm, 'first'));
  await guests.awake(guest);
});

test('a restore that fails in libvirt’s hands leaves a VM that runs, as it was defined', async () => {
  await host.virsh('destroy', vm);
  await run(['qemu-img', 'snapshot', '-d', 'first', join(host.poolPath, `${vm}-ephemeral.qcow2`)]);
  await host.virsh('start', vm);
  await host.cpi.call('set_vm_metadata', vm, { name: 'since/then' });
  const before = await host.virsh('dumpxml', '--inactive', vm);
  let log = '';
  const restore = host.withBackend(
    async ({ snapshots }) => await snapshots?.restore(vm, 'first'),
    lineLog((line) => {
      log += line;
    }),
  );
  await expect(restore).rejects.toThrow("Restoring snapshot 'first'");
  expect(await host.virsh('domstate', vm), log).toBe('running');
  expect(await host.virsh('dumpxml', '--inactive', vm)).toBe(before);
});

test('a snapshot of a VM that is off has its disks alone, and brings it back off', async () => {
  await host.virsh('destroy', vm);
  await withSnapshots((store) => store.delete(vm, 'first'));
  expect(await withSnapshots((store) => store.create(vm, 'cold'))).toMatchObject({ withMemory: false });
  await host.virsh('start', vm);
  await withSnapshots((store) => store.restore(vm, 'cold'));
  expect(await host.virsh('domstate', vm)).toBe('shut off');
  expect((await withSnapshots((store) => store.list(vm))).map(({ name }) => name)).toEqual(['cold']);
});

test('a snapshot whose disk is deleted cannot be restored, and the VM with it can be deleted', async () => {
  await host.cpi.call('detach_disk', vm, disk);
  await host.cpi.call('delete_disk', disk);
  expect((await refusal('cold')).type).toBe('DiskNotFound');
  await withSnapshots((store) => store.delete(vm, 'none'));
  await host.cpi.call('delete_vm', vm);
  expect(await host.vmNames()).toEqual([]);
  expect((await host.volumeNames()).filter((name) => !name.startsWith('sc-'))).toEqual([]);
});

async function withSnapshots<T>(act: (store: SnapshotStore) => Promise<T>): Promise<T> {
  return await host.withBackend(async ({ snapshots }) => {
    if (!snapshots) throw new Error('no snapshots');
    return await act(snapshots);
  });
}

/** The error of a restore that is refused; throws if it is not, or if the machine notices anything. */
async function refusal(name: string): Promise<CloudError> {
  const look = async () => [
    await host.virsh('domid', vm),
    await host.virsh('dumpxml', vm),
    await host.virsh('dumpxml', '--inactive', vm),
  ];
  const before = await look();
  const error = await withSnapshots((store) => store.restore(vm, name)).catch((thrown: unknown) => thrown);
  expect(await look()).toEqual(before);
  if (error instanceof CloudError) return error;
  throw new Error(`the restore was to be refused: ${error}`);
}

/** On the root disk, the persistent disk and in memory. */
const notes = ['/root/note', '/var/vcap/store/note', '/tmp/note'];

async function write(what: string): Promise<void> {
  await guests.shell(guest, `for note in ${notes.join(' ')}; do echo ${what} >$note; done; sync`);
}

async function read(): Promise<string[]> {
  return (await guests.shell(guest, `cat ${notes.join(' ')}`)).split('\n');
}

/** How far the guest's clock is behind ours. */
async function secondsBehind(): Promise<number> {
  return Date.now() / 1000 - Number(await guests.shell(guest, 'date +%s'));
}
