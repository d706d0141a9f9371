/**
 * Orphans on a real libvirt: what CPI calls leave that are killed in the middle, and people who delete things by hand. What is
 * left, and what has to stay, is asked of virsh and the pool's folder.
 */
import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { backendModule } from '../../src/cpi/backends/registry.ts';
import { down } from '../../src/environment/down.ts';
import type { Finding } from '../../src/environment/orphans/finding.ts';
import { findTerritories } from '../../src/environment/orphans/territories.ts';
import { clearOf, lookInto, type Territory } from '../../src/environment/orphans/territory.ts';
import { environmentPaths } from '../../src/environment/paths.ts';
import { writeRecord } from '../../src/environment/record.ts';
import type { Caller } from '../../src/environment/steps/step.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { CpiHost } from '../support/cpi-host.ts';
import { recordWith } from '../support/environment-record.ts';
import { SmallVms, smallImage } from '../support/small-vms.ts';

let host: CpiHost;
let cpi: BoshCpi;
let vms: SmallVms;
let data: string;
/** A VM that a BOSH has, with a disk. */
let vm: string;
let disk: string;

const metadata = { director: 'lite', deployment: 'cf', instance_group: 'db' };
const dynamic = { default: { type: 'dynamic', default: ['dns', 'gateway'], cloud_properties: {} } };
const { signal } = new AbortController();

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'prune-'));
  vi.stubEnv('XDG_STATE_HOME', data);
  vi.stubEnv('XDG_DATA_HOME', data); // where bosh's state would lie: it names nothing
  host = await CpiHost.start();
  cpi = host.cpi;
  vms = await SmallVms.on(host);
  vm = await vms.create(11);
  await cpi.call('set_vm_metadata', vm, { ...metadata, index: '0' });
  disk = String(await cpi.call('create_disk', 16, {}, vm));
  await cpi.call('attach_disk', vm, disk);
  await cpi.call('set_disk_metadata', disk, { ...metadata, instance_index: '0' });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
  await rm(data, { recursive: true, force: true });
});

const territory = async (gone = false): Promise<Territory> => ({
  environment: 'test',
  gone,
  sites: [{ module: await backendModule('qemu'), config: host.config }],
});
const look = async (gone = false) => await lookInto(await territory(gone), silentLog);
const clear = async (wanted: readonly Finding[], gone = false) =>
  await clearOf(await territory(gone), wanted, silentLog, signal);
const named = (findings: readonly Finding[]) => findings.map(({ kind, name }) => `${kind} ${name}`).sort();
const names = async (start = '') => await host.volumeNames(start);

test('the census tells who has what, how large, and copied when', async () => {
  const before = Date.now();
  const snapshot = await cpi.call('snapshot_disk', disk, { agent_id: 'a-1' });
  const { vms, disks, snapshots } = await host.withBackend(async ({ ground }) => await ground.census());
  expect(vms).toMatchObject([
    { cid: vm, state: 'running', disks: [disk], metadata: { ...metadata, index: '0' } },
  ]);
  expect(vms[0]?.bytesOnDisk).toBeGreaterThan(100_000);
  expect(vms[0]?.madeAt?.getTime()).toBeLessThan(before);
  expect(disks).toMatchObject([{ cid: disk, attachedTo: vm, sizeBytes: 16 << 20, metadata }]);
  expect(disks[0]?.bytesOnDisk).toBeLessThan(8 << 20);
  expect(snapshots).toMatchObject([{ cid: snapshot, disk, metadata: { agent_id: 'a-1' } }]);
  const takenAt = snapshots[0]?.takenAt.getTime() ?? 0;
  expect([takenAt > before - 2_000, takenAt < Date.now() + 2_000]).toEqual([true, true]);
  expect(await host.withBackend(async ({ ground }) => await ground.environments())).toEqual(['test']);
});

test('what killed calls and busy hands left goes, once it is old, and nothing else', async () => {
  const known = await names();
  const halfVm = await killed('create_vm', vms.request({ address: 21 }), /^(vm-\w+)-config.iso$/);
  const stemcell = await smallImage(host, 'killed', 16 << 20);
  const halfStemcell = await killed('create_stemcell', [stemcell, {}], /^(sc-\w+).img$/);
  const halfCopy = await killedCopy();
  const undefinedVm = await vms.create(22, { networks: dynamic });
  await host.virsh('destroy', undefinedVm);
  await host.virsh('undefine', undefinedVm);
  const lostDisk = await cpi.call('create_disk', 16, {}, null);
  const cutDisk = await cpi.call('create_disk', 16, {}, null);
  await cpi.call('set_disk_metadata', cutDisk, {});
  await host.virsh('vol-delete', `${cutDisk}.qcow2`, '--pool', host.config.storagePool);
  await writeFile(join(host.poolPath, 'sc-0123456789abcdef0-000000000000.claim'), '');
  await writeFile(join(host.poolPath, 'vm-of-somebody-root.qcow2'), 'x');

  const [reservation, ...more] = named(await look());
  expect(reservation).toMatch(`reservation ${host.config.network}/10.244.78.`);
  expect(more).toEqual([]); // somebody may be making all the rest

  await age();
  const found = await look();
  const left = (await names()).filter(
    (name) => !known.includes(name) && name !== 'vm-of-somebody-root.qcow2',
  );
  const ofWholes = (name: string) => name.startsWith(halfVm) || name.startsWith(String(lostDisk));
  expect(named(found)).toEqual(
    [
      `disk ${lostDisk}`,
      reservation,
      `vm ${halfVm}`,
      ...left.filter((name) => !ofWholes(name)).map((name) => `volume ${name}`),
    ].sort(),
  );
  for (const cid of [halfStemcell, halfCopy, undefinedVm, cutDisk])
    expect(named(found)).toContainEqual(expect.stringContaining(`volume ${cid}`));

  const outcomes = await clear(found.filter(({ holdsData }) => !holdsData));
  expect(outcomes.filter(({ kept }) => kept !== undefined)).toEqual([]);
  expect(await names()).toEqual(
    [...known, 'vm-of-somebody-root.qcow2', ...(await names(String(lostDisk)))].sort(),
  );
  expect(await host.vmNames()).toEqual([vm]);
  expect(await host.virsh('net-dumpxml', host.config.network)).not.toContain(undefinedVm);
  expect(named(await look())).toEqual([`disk ${lostDisk}`]);
  await clear(await look());
  expect(await names(String(lostDisk))).toEqual([]);
  expect(await cpi.call('get_disks', vm)).toEqual([disk]);
});

test('what a VM of another backend’s needs in the same pool stays', async () => {
  const stemcell = 'sc-0123456789abcdef1';
  const container = await defineContainer(stemcell);
  const files = [`${container}-root.img`, `${stemcell}.img`];
  for (const name of files) await writeFile(join(host.poolPath, name), 'x');
  const { storagePool } = host.config;
  await age();
  await host.virsh('pool-refresh', storagePool);
  await writeRecord(recordHere());
  const leftIn = async () => {
    const { territories } = await findTerritories('test', silentLog, signal);
    return named(await lookInto(territories[0] as Territory, silentLog));
  };
  expect(await leftIn()).toEqual([`vm ${container}`]); // nobody has claimed it
  await lxc('undefine', container);
  expect(await leftIn()).toEqual(files.map((name) => `volume ${name}`).sort());
  for (const name of files) await host.virsh('vol-delete', name, '--pool', storagePool);
  await host.virsh('pool-destroy', storagePool); // nobody can tell what is in a stopped one
  expect(await leftIn()).toEqual([]);
  await host.virsh('pool-start', storagePool);
  await rm(environmentPaths('test').folder, { recursive: true });
});

test('a stemcell that somebody imports anew is not taken away from them', async () => {
  const path = await smallImage(host, 'again');
  const cid = String(await cpi.call('create_stemcell', path, {}));
  await host.virsh('vol-delete', `${cid}.json`, '--pool', host.config.storagePool);
  await age();
  const found = await look();
  expect(named(found)).toContain(`volume ${cid}.img`);
  await cpi.call('create_stemcell', path, {});
  const outcomes = await clear(found);
  expect(outcomes.map(({ kept }) => kept)).toEqual(outcomes.map(() => expect.stringContaining('in use')));
  await cpi.call('delete_stemcell', cid);
});

test('on a libvirt that others may use, an environment without a record is looked into only if it is named', async () => {
  await writeRecord(recordWith({ host: 'given', uri: host.config.uri }));
  const { territories, unseen } = await findTerritories(undefined, silentLog, signal);
  expect(territories.map(({ environment, gone }) => [environment, gone])).toEqual([['work', false]]);
  expect(unseen).toEqual([expect.stringMatching(/somebody else’s: test;/)]);
  const chosen = (await findTerritories('test', silentLog, signal)).territories;
  expect(chosen.map(({ environment, gone }) => [environment, gone])).toEqual([['test', true]]);
  const config = { storagePool: 'boshvirt-test', network: 'boshvirt-test', uri: host.config.uri };
  expect(chosen[0]?.sites[0]).toMatchObject({ module: { name: 'qemu' }, config });
  await writeRecord(recordWith({ name: 'test', host: 'private' }));
  expect((await findTerritories('test', silentLog, signal)).territories).toEqual([]); // ours is elsewhere
  await rm(environmentPaths('test').folder, { recursive: true });
});

test('of an environment that is gone all goes but what others keep there', async () => {
  const network = String(((await cpi.call('create_network', { range: '10.99.0.0/24' })) as string[])[0]);
  const outcomes = await clear(await look(true), true);
  expect(outcomes.filter(({ kept }) => kept).map(({ finding, kept }) => [finding.kind, kept])).toEqual([
    ['pool', expect.stringContaining('vm-of-somebody-root.qcow2')],
  ]);
  expect(outcomes.map(({ finding }) => finding.name)).toContain(network);
  expect(await host.vmNames()).toEqual([]);
  expect(await names()).toEqual(['vm-of-somebody-root.qcow2']);
  expect(await host.virsh('net-list', '--all', '--name')).toBe('');
  await rm(join(host.poolPath, 'vm-of-somebody-root.qcow2'));
  await clear(await look(true), true);
  expect(await host.virsh('pool-list', '--all', '--name')).toBe('');
  expect(await readdir(host.libvirtd.folder)).not.toContain('pool');
  expect(await host.withBackend(async ({ ground }) => await ground.environments())).toEqual([]);
});

test('down ends the VMs of other backends too', async () => {
  await host.layGround();
  await defineContainer('sc-0123456789abcdef1');
  await writeRecord(recordHere());
  const caller: Caller = {
    log: silentLog,
    signal,
    async runSteps(steps, context) {
      for (const step of steps) await step.run(context, () => {});
    },
    confirm: async () => false,
    tell() {},
  };
  await down('test', { purge: true, boshvirtCommand: '/nowhere' }, caller);
  expect((await lxc('list', '--all', '--name')).stdout.trim()).toBe('');
  expect(await host.virsh('pool-list', '--all', '--name')).toBe('');
});

/** The record of an environment on this host: its own name, pool and network. */
function recordHere() {
  const { environment: name, uri, storagePool } = host.config;
  const network = { ...recordWith().network, name: storagePool };
  return recordWith({ name, host: 'given', uri, network, pool: { name: storagePool, path: host.poolPath } });
}

const lxc = async (...argv: string[]) =>
  await run(['virsh', '-c', host.config.uri.replace('qemu', 'lxc'), ...argv] as [string, ...string[]]);

/** A container in the environment's name, as another CPI would make it; it never runs. */
async function defineContainer(stemcell: string): Promise<string> {
  const container = 'vm-0123456789abcdef0';
  const metadata = `<boshvirt:vm xmlns:boshvirt="urn:boshvirt:vm:1" version="1" environment="test" agent="a" stemcell="${stemcell}"/>`;
  const path = join(host.libvirtd.folder, 'container.xml');
  await writeFile(
    path,
    `<domain type="lxc"><name>${container}</name><metadata>${metadata}</metadata><memory>65536</memory>` +
      '<os><type>exe</type><init>/bin/true</init></os></domain>',
  );
  await lxc('define', path);
  return container;
}

/** Kills a call once a file of this name is in the pool; gives the CID in it. */
async function killed(method: string, args: readonly unknown[], pattern: RegExp): Promise<string> {
  const before = await readdir(host.poolPath);
  const child = cpi.start(method, ...args);
  const ended = once(child, 'exit');
  const cid = await waitFor(
    async () => {
      const fresh = (await readdir(host.poolPath)).filter((name) => !before.includes(name));
      return fresh.map((name) => pattern.exec(name)?.[1]).find((found) => found !== undefined);
    },
    { timeoutMs: 30_000, intervalMs: 1 },
  );
  child.kill('SIGKILL');
  await ended;
  if (cid === undefined) throw new Error(`${method} made no file like ${pattern}`);
  return cid;
}

/** A copy that was done before the kill came is no half. */
async function killedCopy(): Promise<string> {
  for (;;) {
    const cid = await killed('snapshot_disk', [disk, {}], /^(snap-\w+).qcow2$/);
    if (!(await readdir(host.poolPath)).includes(`${cid}.json`)) return cid;
    await cpi.call('delete_snapshot', cid);
  }
}

/** Lets all that is in the pool look as if it had been there for an hour. */
async function age(): Promise<void> {
  const before = new Date(Date.now() - 3_600_000);
  for (const name of await readdir(host.poolPath)) await utimes(join(host.poolPath, name), before, before);
}
