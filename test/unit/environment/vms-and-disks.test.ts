/** What people see of VMs and disks, on a hypervisor in memory. */
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { DiskCid } from '../../../src/cpi/backend.ts';
import { adoptDisk } from '../../../src/environment/adopt-disk.ts';
import { disksFrom } from '../../../src/environment/disks.ts';
import { lostDisks, lostDiskWords } from '../../../src/environment/lost-disks.ts';
import { environmentPaths } from '../../../src/environment/paths.ts';
import { removeStrays } from '../../../src/environment/strays.ts';
import { vmsOf } from '../../../src/environment/vms.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { recordWith } from '../../support/environment-record.ts';
import { openMemory } from '../../support/memory-backend.ts';
import { networkAt, withVmAndDisk } from '../cpi/methods/world.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** An environment `work` whose bosh has written this state. */
async function stateOf(state: object) {
  const data = await mkdtempDisposable(join(tmpdir(), 'disks-'));
  vi.stubEnv('XDG_DATA_HOME', data.path);
  const { folder, state: path } = environmentPaths('work');
  await mkdir(folder, { recursive: true });
  await writeFile(path, JSON.stringify(state));
  return {
    read: async () => JSON.parse(await readFile(path, 'utf8')),
    [Symbol.asyncDispose]: () => data[Symbol.asyncDispose](),
  };
}

const metadata = { deployment: 'work', instance_group: 'machine', director: 'bosh-init' };

test('a VM has BOSH’s name, its addresses and its disks', async () => {
  const { cpi, host, vm, disk, stemcell } = await withVmAndDisk();
  await cpi.call('set_vm_metadata', vm, { ...metadata, index: '0' });
  await cpi.call('attach_disk', vm, disk);
  await cpi.call('create_vm', 'agent-2', stemcell, {}, networkAt(7), [], {});
  const found = await vmsOf(openMemory(host), 'work');
  expect(found).toHaveLength(2);
  expect(found[0]).toMatchObject({ cid: vm, instance: 'machine/0', state: 'running', disks: [disk] });
  expect(found[0]?.nics.map((nic) => nic.ips)).toEqual([['10.0.0.6'], ['10.1.0.6']]);
  expect(found[1]).toMatchObject({ instance: undefined, metadata: {} });
});

test('a disk has the name of what it belongs to, and its snapshots, the oldest first', async () => {
  const { cpi, host, vm, disk } = await withVmAndDisk();
  await cpi.call('attach_disk', vm, disk);
  await cpi.call('set_vm_metadata', vm, { ...metadata, index: '0' });
  host.now = () => new Date(2_000);
  const late = await cpi.call('snapshot_disk', disk, { agent_id: 'a' });
  host.now = () => new Date(1_000);
  const early = await cpi.call('snapshot_disk', disk, {});
  const gone = await cpi.call('create_disk', 16, {}, null);
  const orphan = await cpi.call('snapshot_disk', gone, {});
  await cpi.call('delete_disk', gone);
  const census = await openMemory(host).ground.census();
  const { disks, snapshots } = disksFrom(census, 'work', new Set());
  expect(disks).toMatchObject([
    { cid: disk, attachedTo: vm, instance: 'machine/0', lost: false, snapshots: [early, late] },
  ]);
  expect(snapshots.map(({ cid }) => cid)).toEqual([early, orphan, late]);
  expect(snapshots.find(({ cid }) => cid === late)?.metadata).toEqual({ agent_id: 'a' });
});

test('a disk that bosh’s state lost is told of, with what to do', async () => {
  const { host, disk } = await withVmAndDisk();
  const backend = openMemory(host);
  await using _known = await stateOf({ disks: [{ cid: disk }] });
  expect(await lostDisks(backend, 'work')).toEqual([]);
  await using _lost = await stateOf({ disks: null });
  const [lost] = await lostDisks(backend, 'work');
  expect(lost?.cid).toBe(disk);
  const words = lostDiskWords(lost as NonNullable<typeof lost>, 'work');
  expect(words).toContain(`boshvirt up work --adopt-disk ${disk}`);
  expect(words).toContain('512 MiB');
});

test('an adopted disk is the machine’s from the next create-env on; the one before is lost', async () => {
  const { cpi, host, vm, disk } = await withVmAndDisk();
  const other = String(await cpi.call('create_disk', 16, {}, null)) as DiskCid;
  await cpi.call('attach_disk', vm, other);
  await using state = await stateOf({
    current_disk_id: 'one',
    disks: [{ id: 'one', cid: other, size: 16, cloud_properties: { type: 'raw' } }],
  });
  const backend = openMemory(host);
  await adoptDisk(backend, 'work', disk);
  const { current_disk_id, disks } = await state.read();
  expect(disks).toEqual([{ id: current_disk_id, cid: disk, size: 512, cloud_properties: { type: 'raw' } }]);
  await adoptDisk(backend, 'work', disk);
  expect((await state.read()).disks).toEqual(disks);
  await expect(adoptDisk(backend, 'work', other)).rejects.toThrow(`attached to VM ${vm}`);
  await expect(adoptDisk(backend, 'work', 'disk-none')).rejects.toThrow('no disk disk-none');
});

test('of VMs that bosh’s state does not know, those go that are in the machine’s way or that nobody claims', async () => {
  const { cpi, host, vm, stemcell } = await withVmAndDisk();
  const more = async (number: number) =>
    ((await cpi.call('create_vm', 'agent', stemcell, {}, networkAt(number), [], {})) as [string])[0];
  const [inTheWay, beside, directors, fresh] = [await more(7), await more(8), await more(9), await more(10)];
  for (const cid of [inTheWay, beside]) await cpi.call('set_vm_metadata', cid, metadata);
  await cpi.call('set_vm_metadata', directors, { ...metadata, director: 'lite' });
  host.now = () => new Date(0);
  await more(11);
  await using _ = await stateOf({ current_vm_cid: vm });
  const network = { ...recordWith().network, ip: '10.0.0.7' };
  await removeStrays(openMemory(host), recordWith({ network }), silentLog);
  expect([...host.vms.keys()]).toEqual([vm, beside, directors, fresh]);
});
