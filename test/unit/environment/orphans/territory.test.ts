/** Which orphans an environment has, and that only orphans go, on a hypervisor in memory. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { BackendConfig, Orphan } from '../../../../src/cpi/backend.ts';
import type { Finding } from '../../../../src/environment/orphans/finding.ts';
import { clearOf, lookInto, type Territory } from '../../../../src/environment/orphans/territory.ts';
import { environmentPaths } from '../../../../src/environment/paths.ts';
import { writeRecord } from '../../../../src/environment/record.ts';
import { isThere } from '../../../../src/platform/files.ts';
import { takeLock } from '../../../../src/platform/lock.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { recordWith } from '../../../support/environment-record.ts';
import { MemoryHost, memoryModule } from '../../../support/memory-backend.ts';
import { withStemcell, withVmAndDisk } from '../../cpi/methods/world.ts';

let data: string;
const { signal } = new AbortController();
const paths = () => environmentPaths('work');
const volume: Orphan = { kind: 'volume', name: 'vm-1-root', why: 'the VM vm-1 is gone', bytesOnDisk: 5 };

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'orphans-'));
  vi.stubEnv('XDG_DATA_HOME', data);
  await mkdir(paths().folder, { recursive: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(data, { recursive: true, force: true });
});

function territoryOn(host: MemoryHost, gone = false): Territory {
  host.networkActive = true;
  const config: BackendConfig = {
    environment: 'work',
    uri: '',
    storagePool: '',
    network: '',
    options: {},
  };
  return { environment: 'work', gone, sites: [{ module: memoryModule(host), config }] };
}

/** An old world: a VM that nobody claims, a disk that nobody has, a volume of a VM that is gone. */
async function leftWorld() {
  const world = await withStemcell();
  world.host.now = () => new Date(0);
  const old = await withVmAndDisk(world);
  old.host.orphans.push(volume);
  return old;
}

const kinds = (findings: readonly Finding[]) => findings.map(({ kind, name }) => [kind, name]);

test('what nobody has is found; what holds data is marked', async () => {
  const { host, vm, disk } = await leftWorld();
  const found = await lookInto(territoryOn(host), silentLog);
  expect(kinds(found)).toEqual([
    ['vm', vm],
    ['disk', disk],
    ['volume', volume.name],
  ]);
  expect(found.filter(({ holdsData }) => holdsData).map(({ kind }) => kind)).toEqual(['disk']);
  expect(host.open).toBe(0);
});

test('what bosh’s state names, and what is young, is no orphan', async () => {
  const { host, vm, disk } = await leftWorld();
  host.orphans.length = 0;
  await writeFile(paths().state, JSON.stringify({ current_vm_cid: vm, disks: [{ cid: disk }] }));
  expect(await lookInto(territoryOn(host), silentLog)).toEqual([]);
  const young = await withVmAndDisk();
  await rm(paths().state);
  expect(await lookInto(territoryOn(young.host), silentLog)).toEqual([]);
});

test('all of an environment that is gone is: VMs that were claimed, disks that are attached, snapshots', async () => {
  const { cpi, host, vm, disk } = await withVmAndDisk();
  await cpi.call('set_vm_metadata', vm, { director: 'lite' });
  await cpi.call('attach_disk', vm, disk);
  const snapshot = await cpi.call('snapshot_disk', disk, {});
  const found = await lookInto(territoryOn(host, true), silentLog);
  expect(kinds(found)).toEqual([
    ['vm', vm],
    ['disk', disk],
    ['snapshot', snapshot],
  ]);
  const outcomes = await clearOf(territoryOn(host, true), found, silentLog, signal);
  expect(outcomes.map(({ kept }) => kept)).toEqual([undefined, undefined, undefined]);
  expect([host.vms.size, host.disks.size, host.snapshots.size]).toEqual([0, 0, 0]);
  expect(await isThere(paths().lock)).toBe(false);
});

test('through several backends each thing is found once, and what it stands on after it', async () => {
  const { host, vm } = await withVmAndDisk();
  const other = new MemoryHost();
  const pool: Orphan = { ...volume, kind: 'pool', name: 'boshvirt-work' };
  other.orphans.push(pool, volume);
  host.orphans.push(volume);
  const [first, second] = [territoryOn(other, true), territoryOn(host, true)];
  const both = { ...first, sites: [...first.sites, ...second.sites] };
  expect(kinds(await lookInto(both, silentLog))).toEqual([
    ['vm', vm],
    ['disk', expect.anything()],
    ['volume', volume.name],
    ['pool', pool.name],
  ]);
});

test('only what was asked for goes, and only if it is an orphan still', async () => {
  const { cpi, host, vm, disk } = await leftWorld();
  const found = await lookInto(territoryOn(host), silentLog);
  await cpi.call('set_vm_metadata', vm, { director: 'bosh-init' });
  const wanted = found.filter(({ kind }) => kind !== 'disk');
  const outcomes = await clearOf(territoryOn(host), wanted, silentLog, signal);
  expect(outcomes.map(({ finding, kept }) => [finding.kind, kept])).toEqual([
    ['vm', expect.stringContaining('in use')],
    ['volume', undefined],
  ]);
  expect([...host.vms.keys()]).toEqual([vm]);
  expect([...host.disks.keys()]).toEqual([disk]);
  expect(host.orphans).toEqual([]);
});

test('a failure keeps what it hit, and nothing else', async () => {
  const { host } = await leftWorld();
  const found = await lookInto(territoryOn(host), silentLog);
  host.failures.set('vms.delete', new Error('no power'));
  const outcomes = await clearOf(territoryOn(host), found, silentLog, signal);
  expect(outcomes.map(({ kept }) => kept)).toEqual(['no power', undefined, undefined]);
});

test('an environment that somebody works on, or that came back, loses nothing', async () => {
  const { host } = await leftWorld();
  const found = await lookInto(territoryOn(host, true), silentLog);
  {
    await using _up = await takeLock(paths().lock, 0, 'boshvirt up work');
    const clearing = clearOf(territoryOn(host, true), found, silentLog, signal);
    await expect(clearing).rejects.toMatchObject({ code: 'LOCKED' });
  }
  await mkdir(dirname(paths().record), { recursive: true });
  await writeRecord(recordWith());
  const outcomes = await clearOf(territoryOn(host, true), found, silentLog, signal);
  for (const { kept } of outcomes) expect(kept).toContain('there again');
  expect(host.vms.size).toBe(1);
});
