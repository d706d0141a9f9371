/** What the qemu CPI cannot do, it says before anything is made, or takes back what was: no guest is waited for. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { addressOf, CpiHost, networkAt } from '../support/cpi-host.ts';
import { SmallVms, smallImage } from '../support/small-vms.ts';

let host: CpiHost;
let cpi: BoshCpi;
let vms: SmallVms;

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  vms = await SmallVms.on(host);
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

describe('create_vm refuses', () => {
  let volumes: string[];
  beforeEach(async () => {
    volumes = await host.volumeNames();
  });
  afterEach(async () => {
    expect(await host.volumeNames()).toEqual(volumes);
    expect(await host.vmNames()).toEqual([]);
  });

  type Failure = { type: string; message: unknown };
  test.each<[string, Parameters<SmallVms['request']>[0], Failure]>([
    [
      'a stemcell that is not there',
      { stemcell: 'sc-00000000000000000' },
      { type: 'StemcellNotFound', message: expect.stringContaining("'sc-00000000000000000' not found") },
    ],
    [
      'a property of the wrong type, by its name',
      { properties: { memory: '64' } },
      { type: 'CloudError', message: expect.stringContaining('cloud_properties.memory: ') },
    ],
    [
      'a network that libvirt does not have',
      { networks: { a: { ...networkAt(9), cloud_properties: { name: 'nowhere' } } } },
      { type: 'NetworkNotFound', message: expect.stringContaining("no libvirt network 'nowhere'") },
    ],
    [
      'a network’s name that is no text',
      { networks: { a: { ...networkAt(9), cloud_properties: { name: 5 } } } },
      { type: 'CloudError', message: expect.stringContaining('networks.a.cloud_properties.name: ') },
    ],
    [
      'a virtual address',
      { networks: { a: networkAt(9), v: { type: 'vip', ip: '192.0.2.1', cloud_properties: {} } } },
      { type: 'NotSupported', message: expect.stringContaining("'v'") },
    ],
    [
      'more memory than there is, once it is started',
      { properties: { memory: 1 << 30 } },
      { type: 'VMCreationFailed', message: expect.stringMatching(/^(Starting|Creating) VM vm-/) },
    ],
  ])('%s', async (_, request, { type, message }) => {
    expect(await cpi.failure('create_vm', ...vms.request(request))).toEqual({ type, message, retry: false });
  });

  test('a network that is off', async () => {
    await host.virsh('net-destroy', host.config.network);
    try {
      const { type, message } = await cpi.failure('create_vm', ...vms.request({}));
      expect([type, message]).toEqual(['CloudError', expect.stringMatching(/is stopped\n.*virsh net-start/)]);
    } finally {
      await host.virsh('net-start', host.config.network);
    }
  });

  test('to do anything in a pool that is stopped', async () => {
    await host.virsh('pool-destroy', host.config.storagePool);
    try {
      const stopped = expect.stringMatching(
        /^Storage pool 't-\w+' at \S+ is stopped\n.*virsh pool-start t-\w+$/,
      );
      for (const [method, ...args] of [
        ['create_vm', ...vms.request({})],
        ['create_disk', 64, {}, null],
        ['has_disk', 'disk-0123456789abcde'],
        ['delete_vm', 'vm-0123456789abcdef0'],
        ['delete_stemcell', vms.stemcell],
      ] as [string, ...unknown[]][])
        expect(await cpi.failure(method, ...args)).toEqual({
          type: 'CloudError',
          message: stopped,
          retry: false,
        });
    } finally {
      await host.virsh('pool-start', host.config.storagePool);
    }
  });
});

test('an address in use is refused with its owner’s name and may be tried again', async () => {
  const owner = await vms.create(31);
  const networks = { other: networkAt(31) };
  const { type, message, retry } = await cpi.failure('create_vm', ...vms.request({ networks }));
  expect({ type, retry }).toEqual({ type: 'VMCreationFailed', retry: true });
  expect(message).toContain(`${addressOf(31)} on network ${host.config.network} is in use by VM ${owner}`);
  expect(message).toContain(`{"method":"delete_vm","arguments":["${owner}"]}`);
  await cpi.call('delete_vm', owner);
  expect(await host.volumeNames('vm-')).toEqual([]);
});

test('an address that several ask for at once is given to one at most', async () => {
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => cpi.request('create_vm', vms.request({ address: 34 }))),
  );
  const made = answers.filter(({ error }) => error === null).map(({ result }) => (result as [string])[0]);
  expect(made.length).toBeLessThanOrEqual(1);
  for (const { error } of answers) {
    if (error === null) continue;
    expect(error).toMatchObject({ type: 'Bosh::Clouds::VMCreationFailed', ok_to_retry: true });
    expect(error.message).toContain(`${addressOf(34)} on network ${host.config.network} is in use by VM`);
  }
  expect(await host.vmNames()).toEqual(made);
  for (const cid of made) await cpi.call('delete_vm', cid);
  expect(await host.volumeNames('vm-')).toEqual([]);
});

test('an option that there is not is refused by its name', async () => {
  const misspelt = await host.cpiWith('misspelt', { options: { machin: 'q35' } });
  const { type, message } = await misspelt.failure('has_vm', 'vm-0123456789abcdef0');
  expect([type, message]).toEqual(['CloudError', expect.stringMatching(/^configuration: qemu: .*machin/)]);
});

test('cloud properties of other hypervisors are ignored with a warning', async () => {
  const cid = await vms.create(32, { properties: { instance_type: 'm5.large' } });
  expect(cpi.log).toMatch(
    /warn VM cloud_properties that this backend does not know are ignored: instance_type/,
  );
  await cpi.call('delete_vm', cid);
});

test('metadata may hold what XML cannot', async () => {
  const cid = await vms.create(33);
  await cpi.call('set_vm_metadata', cid, {
    name: 'two\nlines',
    'a key': 'a\u0007bell',
    none: null,
    list: [1],
  });
  expect(await host.virsh('desc', '--title', cid)).toBe('two lines (test)');
  const xml = await host.virsh('metadata', cid, 'urn:boshvirt:bosh-metadata:1');
  expect(xml).toContain('<entry name="a key">a\uFFFDbell</entry>');
  expect(xml).toContain('<entry name="list">[1]</entry>');
  await cpi.call('set_vm_metadata', cid, {});
  expect(await host.virsh('metadata', cid, 'urn:boshvirt:bosh-metadata:1')).not.toContain('entry');
  await cpi.call('delete_vm', cid);
});

test('CIDs that are not ours are nobody’s', async () => {
  const odd = ['', 'a', '../x', 'vm-1', 'x\ny', 'é', vms.stemcell, 'v'.repeat(10_000)];
  const answers = odd.flatMap((cid) => [cpi.call('has_vm', cid), cpi.call('has_disk', cid)]);
  expect(await Promise.all(answers)).toEqual(Array(2 * odd.length).fill(false));
  await host.virsh('vol-create-as', host.config.storagePool, 'vm-mine.qcow2', '1M');
  expect(await cpi.call('has_disk', 'vm-mine')).toBe(false);
  await cpi.call('delete_disk', 'vm-mine');
  expect(await host.volumeNames()).toContain('vm-mine.qcow2');
  await host.virsh('vol-delete', 'vm-mine.qcow2', '--pool', host.config.storagePool);
});

describe('a pool that is full', () => {
  let tiny: BoshCpi;
  const folder = () => join(host.libvirtd.folder, 'tiny');

  beforeAll(async () => {
    await mkdir(folder());
    await host.inside('mount', '-t', 'tmpfs', '-o', 'size=72m', 'tmpfs', folder());
    await host.virsh('pool-create-as', 'tiny', 'dir', '--target', folder());
    tiny = await host.cpiWith('tiny-pool', { storagePool: 'tiny' });
  });
  afterAll(async () => {
    await host.virsh('pool-destroy', 'tiny');
    await host.inside('umount', folder());
    await rm(folder(), { recursive: true });
  });

  const filler = () => join(folder(), 'filler');
  const fill = async (megabytes: number) => {
    await host.inside('dd', 'if=/dev/zero', `of=${filler()}`, 'bs=1M', `count=${megabytes}`, 'status=none');
  };

  test('takes no stemcell, whether that is seen before or in the midst of it', async () => {
    const large = await smallImage(host, 'large', 80 << 20);
    const { type, message } = await tiny.failure('create_stemcell', large, {});
    expect([type, message]).toEqual(['NoDiskSpace', expect.stringContaining('needs 84 MB')]);
    await fill(65); // and libvirt does not look again
    const inMidst = await tiny.failure('create_stemcell', await smallImage(host, 'midst', 20 << 20), {});
    expect([inMidst.type, inMidst.message]).toEqual([
      'NoDiskSpace',
      expect.stringContaining('No space left'),
    ]);
    await host.inside('rm', filler());
    expect(await host.volumeNames('', 'tiny')).toEqual([]);
  });

  test('takes no VM: what could be made of it before is taken back', async () => {
    const stemcell = await tiny.call('create_stemcell', await smallImage(host, 'little'), {});
    const before = await host.volumeNames('', 'tiny');
    await fill(80); // and libvirt does not look again
    const { type, message } = await tiny.failure('create_vm', ...vms.request({ stemcell }));
    expect([type, message]).toEqual(['NoDiskSpace', expect.stringContaining('No space left')]);
    await host.inside('rm', filler());
    expect(await host.volumeNames('', 'tiny')).toEqual(before);
    expect(await host.vmNames()).toEqual([]);
    await tiny.call('delete_stemcell', stemcell);
  });

  test('takes no disk, and takes one as soon as there is room again', async () => {
    await fill(70);
    await host.virsh('pool-refresh', 'tiny');
    const { type, message } = await tiny.failure('create_disk', 64, {}, null);
    expect([type, message]).toEqual(['NoDiskSpace', expect.stringContaining("Storage pool 'tiny' has ")]);
    await host.inside('rm', filler());
    const disk = await tiny.call('create_disk', 64, {}, null);
    await tiny.call('delete_disk', disk);
  });
});
