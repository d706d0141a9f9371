/** VMs in every state that a hypervisor knows, and CPI processes that die: no guest is waited for. */
import { once } from 'node:events';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { CpiHost } from '../support/cpi-host.ts';
import { SmallVms } from '../support/small-vms.ts';

let host: CpiHost;
let cpi: BoshCpi;
let vms: SmallVms;

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  vms = await SmallVms.on(host);
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

describe('eight VMs made at once', () => {
  let cids: string[];

  beforeAll(async () => {
    const numbers = [11, 12, 13, 14, 15, 16, 17, 18];
    cids = await Promise.all(numbers.map((number) => vms.create(number)));
  });

  test('are eight, each with disks, a MAC and an address of its own, and all run', async () => {
    expect(new Set(cids).size).toBe(8);
    expect(await host.vmNames()).toEqual([...cids].sort());
    const inventory = await host.withBackend(async ({ ground }) => await ground.inventory());
    expect(inventory.vms.map(({ state }) => state)).toEqual(Array(8).fill('running'));
    const nics = inventory.vms.flatMap((vm) => vm.nics);
    expect([new Set(nics.map(({ mac }) => mac)).size, new Set(nics.flatMap(({ ips }) => ips)).size]).toEqual([
      8, 8,
    ]);
    for (const cid of cids) expect(await host.volumeNames(cid)).toHaveLength(4);
  });

  test('show nobody their settings, which hold keys', async () => {
    const iso = join(host.poolPath, `${cids[0]}-config.iso`);
    expect(((await stat(iso)).mode & 0o777).toString(8)).toBe('600');
  });

  test('come back with the machine', async () => {
    expect(await host.virsh('dominfo', cids[0] ?? '')).toMatch(/Autostart:\s+enable/);
  });

  describe('are deleted whatever has become of them', () => {
    test.each<[string, (cid: string) => Promise<unknown>]>([
      ['running', async () => {}],
      ['paused', async (cid) => await host.virsh('suspend', cid)],
      ['off', async (cid) => await host.virsh('destroy', cid)],
      ['saved', async (cid) => await host.virsh('managedsave', cid)],
      ['crashed', killQemu],
      ['running without a definition', async (cid) => await host.virsh('undefine', cid)],
      ['off with a snapshot', async (cid) => await snapshotAndDestroy(cid)],
      ['gone but for their volumes', async (cid) => await removeDefinition(cid)],
    ])('%s', async (_, act) => {
      const cid = cids.pop() ?? '';
      await act(cid);
      expect(await host.volumeNames(cid)).toHaveLength(4);
      await cpi.call('delete_vm', cid);
      expect(await host.vmNames()).toEqual([...cids].sort());
      expect(await host.volumeNames(cid)).toEqual([]);
      await cpi.call('delete_vm', cid);
    });
  });
});

describe('reboot_vm', () => {
  let cid: string;
  let impatient: BoshCpi;

  beforeAll(async () => {
    cid = await vms.create(21);
    impatient = await host.cpiWith('impatient', { options: { soft_reboot_seconds: 0.2 } });
  });
  afterAll(async () => await cpi.call('delete_vm', cid));

  test.each<[string, () => Promise<unknown>]>([
    ['runs and hears nothing', async () => {}],
    ['is off', async () => await host.virsh('destroy', cid)],
    ['is paused', async () => await host.virsh('suspend', cid)],
    ['is saved', async () => await host.virsh('managedsave', cid)],
    ['has crashed', async () => await killQemu(cid)],
  ])('of a VM that %s gives one that runs anew', async (_, act) => {
    const before = await pidOf(cid);
    await act();
    await impatient.call('reboot_vm', cid);
    expect(await host.virsh('domstate', cid)).toBe('running');
    expect(await pidOf(cid)).not.toBe(before);
    expect(await host.virsh('dominfo', cid)).toMatch(/Managed save:\s+no/);
  });
});

describe('a create_vm killed in the midst of its work leaves what can be removed', () => {
  /** Which volume is there when the process is killed; the last one is written after all else. */
  test.each([['root.qcow2'], ['console.log'], ['config.iso']])(
    'once the VM’s %s is there',
    async (volume) => {
      const child = cpi.start('create_vm', ...vms.request({ address: 41 }));
      const ended = once(child, 'exit');
      const cid = await waitFor(
        async () => {
          const name = (await readdir(host.poolPath)).find((file) => file.endsWith(volume));
          return name?.slice(0, -volume.length - 1);
        },
        { timeoutMs: 30_000, intervalMs: 1 },
      );
      child.kill('SIGKILL');
      await ended;
      const known = async () => ((await host.vmNames()).includes(cid ?? '') ? true : undefined);
      expect(await waitFor(known, { timeoutMs: 10_000 })).toBe(true);
      await cpi.call('delete_vm', cid);
      expect(await host.volumeNames('vm-')).toEqual([]);
      expect(await host.vmNames()).toEqual([]);
      const again = await vms.create(41);
      await cpi.call('delete_vm', again);
    },
  );
});

describe('what a machine that was switched off left', () => {
  let cid: string;
  let disk: string;
  const xmlOf = async () => await host.virsh('dumpxml', cid);

  beforeAll(async () => {
    cid = await vms.create(71);
    disk = String(await cpi.call('create_disk', 16, {}, cid));
    await cpi.call('attach_disk', cid, disk);
  });
  afterAll(async () => {
    await cpi.call('delete_vm', cid);
    await cpi.call('delete_disk', disk);
  });

  test('comes up by itself with network, pool, VM and disk', async () => {
    await host.restart();
    const running = async () => ((await host.virsh('domstate', cid)) === 'running' ? true : undefined);
    expect(await waitFor(running, { timeoutMs: 30_000 })).toBe(true);
    expect(await xmlOf()).toContain(disk);
    expect(await cpi.call('get_disks', cid)).toEqual([disk]);
  });

  test('is revived where it does not', async () => {
    const { network, storagePool } = host.config;
    await host.virsh('destroy', cid);
    await host.virsh('net-destroy', network);
    await host.virsh('pool-destroy', storagePool);
    await host.withBackend(async ({ ground }) => {
      expect(await ground.inventory()).toMatchObject({
        networkActive: false,
        storageActive: false,
        vms: [{ cid, state: 'off', disks: [disk] }],
      });
      await ground.revive();
      await host.virsh('suspend', cid);
      expect((await ground.inventory()).vms).toMatchObject([{ cid, state: 'paused' }]);
      await ground.revive();
      expect(await ground.inventory()).toMatchObject({
        networkActive: true,
        storageActive: true,
        vms: [{ cid, state: 'running' }],
      });
    });
    expect(await xmlOf()).toContain(disk);
  });
});

test('a VM that sleeps neither takes a disk nor lets go of one: it goes on with those that it had', async () => {
  const cid = await vms.create(72);
  const [own, other] = [
    String(await cpi.call('create_disk', 16, {}, cid)),
    String(await cpi.call('create_disk', 16, {}, cid)),
  ];
  await cpi.call('attach_disk', cid, own);
  await host.virsh('managedsave', cid);
  for (const [method, disk] of [
    ['detach_disk', own],
    ['attach_disk', other],
  ] as const)
    expect(await cpi.failure(method, cid, disk)).toMatchObject({
      type: 'CloudError',
      message: expect.stringContaining('sleeps'),
    });
  await cpi.call('attach_disk', cid, own); // it has that one
  expect(await cpi.failure('detach_disk', cid, other)).toMatchObject({ type: 'DiskNotAttached' });
  await host.virsh('start', cid);
  await cpi.call('attach_disk', cid, other);
  for (const options of [[], ['--inactive']]) {
    const xml = await host.virsh('dumpxml', cid, ...options);
    expect([own, other].map((disk) => xml.includes(disk))).toEqual([true, true]);
  }
  await cpi.call('delete_vm', cid);
  for (const disk of [own, other]) await cpi.call('delete_disk', disk);
});

test('the ground is cleared of what only half is there', async () => {
  await vms.create(61);
  await removeDefinition(await vms.create(62, { properties: { ports: [{ host: 8022 }] } }));
  const rules = async () => (await run([...host.road.commandPrefix, 'iptables-save'] as [string])).stdout;
  expect(await rules()).toContain('BOSHVIRT_');
  await cpi.call('create_disk', 16, {}, null);
  await writeFile(join(host.poolPath, 'of-somebody'), 'x');
  await host.virsh('pool-destroy', host.config.storagePool);
  await host.withBackend(async ({ ground }) => await ground.clear());
  expect(await rules()).not.toContain('BOSHVIRT_');
  expect(await host.vmNames()).toEqual([]);
  expect(await host.virsh('pool-list', '--all', '--name')).toBe('');
  expect(await host.virsh('net-list', '--all', '--name')).toBe('');
  await host.withBackend(async ({ ground }) => await ground.clear());

  await host.layGround();
  await host.virsh('pool-destroy', host.config.storagePool);
  await rm(host.poolPath, { recursive: true });
  await host.withBackend(async ({ ground }) => await ground.clear());
  expect(await host.virsh('pool-list', '--all', '--name')).toBe('');
});

async function pidOf(cid: string): Promise<string> {
  return (await host.inside('cat', `/run/libvirt/qemu/${cid}.pid`)).trim();
}

async function killQemu(cid: string): Promise<void> {
  await host.inside('kill', '-9', await pidOf(cid));
  const state = async () =>
    (await host.virsh('domstate', '--reason', cid)).includes('crashed') ? true : undefined;
  expect(await waitFor(state, { timeoutMs: 10_000 })).toBe(true);
}

async function snapshotAndDestroy(cid: string): Promise<void> {
  await host.virsh('snapshot-create-as', cid, 'one');
  await host.virsh('destroy', cid);
}

async function removeDefinition(cid: string): Promise<void> {
  await host.virsh('destroy', cid);
  await host.virsh('undefine', cid);
}
