/** VMs in every state that a hypervisor knows, many at once, and CPI processes that die: no guest is waited for. */
import { once } from 'node:events';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StemcellCid } from '../../src/cpi/backend.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { addressOf, CpiHost } from '../support/cpi-host.ts';
import { networkAt } from '../support/probe-guests.ts';
import { rawDisk, tgz } from '../unit/cpi/stemcell/images.ts';

/** Enough for the BIOS, which finds nothing to boot and waits. */
const small = { cpus: 1, memory: 64, ephemeral_disk: 16 };
let host: CpiHost;
let cpi: BoshCpi;
let stemcell: StemcellCid;

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  const image = join(host.libvirtd.folder, 'image');
  await writeFile(image, await tgz({ name: 'root.img', content: rawDisk(1 << 20) }));
  stemcell = (await cpi.call('create_stemcell', image, {})) as StemcellCid;
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

const createVmAt = (number: number, properties: object = small) =>
  cpi.call('create_vm', `agent-${number}`, stemcell, properties, { default: networkAt(number) }, [], {});
const cidOf = (created: unknown) => (created as [string])[0];
const volumesOf = async (cid: string) => (await host.volumeNames()).filter((name) => name.startsWith(cid));

describe('eight VMs made at once', () => {
  let cids: string[];

  beforeAll(async () => {
    const numbers = [11, 12, 13, 14, 15, 16, 17, 18];
    cids = (await Promise.all(numbers.map((number) => createVmAt(number)))).map(cidOf);
  });

  test('are eight, each with disks, a MAC and an address of its own, and all run', async () => {
    expect(new Set(cids).size).toBe(8);
    expect(await host.vmNames()).toEqual([...cids].sort());
    const { vms } = await host.withBackend(async ({ ground }) => await ground.inventory());
    expect(vms.map(({ state }) => state)).toEqual(Array(8).fill('running'));
    expect(new Set(vms.flatMap(({ nics }) => nics.map(({ mac }) => mac))).size).toBe(8);
    expect(new Set(vms.flatMap(({ nics }) => nics.map(({ ip }) => ip))).size).toBe(8);
    for (const cid of cids) expect(await volumesOf(cid)).toHaveLength(4);
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
      expect(await volumesOf(cid)).toHaveLength(4);
      await cpi.call('delete_vm', cid);
      expect(await host.vmNames()).toEqual([...cids].sort());
      expect(await volumesOf(cid)).toEqual([]);
      await cpi.call('delete_vm', cid);
    });
  });
});

describe('reboot_vm', () => {
  let cid: string;
  let impatient: BoshCpi;

  beforeAll(async () => {
    cid = cidOf(await createVmAt(21));
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

describe('create_vm refuses', () => {
  let volumes: string[];
  beforeEach(async () => {
    volumes = await host.volumeNames();
  });
  afterEach(async () => {
    expect(await host.volumeNames()).toEqual(volumes);
    expect(await host.vmNames()).toEqual([]);
  });

  test.each<[string, unknown[], { type: string; message: unknown; retry?: boolean }]>([
    [
      'a stemcell that is not there',
      ['sc-00000000000000000', small, { a: networkAt(9) }],
      { type: 'StemcellNotFound', message: expect.stringContaining("'sc-00000000000000000' not found") },
    ],
    [
      'a property of the wrong type, by its name',
      [undefined, { ...small, memory: '64' }, { a: networkAt(9) }],
      { type: 'CloudError', message: expect.stringContaining('cloud_properties.memory: ') },
    ],
    [
      'a network that libvirt does not have',
      [undefined, small, { a: { ...networkAt(9), cloud_properties: { name: 'nowhere' } } }],
      { type: 'NetworkNotFound', message: expect.stringContaining("no libvirt network 'nowhere'") },
    ],
    [
      'a network’s name that is no text',
      [undefined, small, { a: { ...networkAt(9), cloud_properties: { name: 5 } } }],
      { type: 'CloudError', message: expect.stringContaining('networks.a.cloud_properties.name: ') },
    ],
    [
      'a virtual address',
      [undefined, small, { a: networkAt(9), v: { type: 'vip', ip: '192.0.2.1', cloud_properties: {} } }],
      { type: 'NotSupported', message: expect.stringContaining("'v'") },
    ],
    [
      'more memory than there is, once it is started',
      [undefined, { ...small, memory: 1 << 30 }, { a: networkAt(9) }],
      {
        type: 'VMCreationFailed',
        message: expect.stringMatching(/^(Starting|Creating) VM vm-/),
        retry: false,
      },
    ],
  ])('%s', async (_, [cid, properties, networks], { type, message, retry = false }) => {
    const failure = await cpi.failure('create_vm', 'a', cid ?? stemcell, properties, networks, [], {});
    expect(failure).toEqual({ type, message, retry });
  });

  test('a network that is off', async () => {
    await host.virsh('net-destroy', host.config.network);
    try {
      const { type, message } = await cpi.failure(
        'create_vm',
        'a',
        stemcell,
        small,
        { a: networkAt(9) },
        [],
        {},
      );
      expect([type, message]).toEqual(['VMCreationFailed', expect.stringContaining('is not active')]);
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
        ['create_vm', 'a', stemcell, small, { a: networkAt(9) }, [], {}],
        ['create_disk', 64, {}, null],
        ['has_disk', 'disk-0123456789abcde'],
        ['delete_vm', 'vm-0123456789abcdef0'],
        ['delete_stemcell', stemcell],
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
  const owner = cidOf(await createVmAt(31));
  const { type, message, retry } = await cpi.failure(
    'create_vm',
    'agent-2',
    stemcell,
    small,
    { other: networkAt(31) },
    [],
    {},
  );
  expect({ type, retry }).toEqual({ type: 'VMCreationFailed', retry: true });
  expect(message).toContain(`${addressOf(31)} on network ${host.config.network} is in use by VM ${owner}`);
  await cpi.call('delete_vm', owner);
  expect(await volumesOf('vm-')).toEqual([]);
});

test('cloud properties of other hypervisors are ignored with a warning', async () => {
  const cid = cidOf(await createVmAt(32, { ...small, instance_type: 'm5.large' }));
  expect(cpi.log).toMatch(/warn VM cloud_properties that qemu does not know are ignored: instance_type/);
  await cpi.call('delete_vm', cid);
});

test('metadata may hold what XML cannot', async () => {
  const cid = cidOf(await createVmAt(33));
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

describe('a create_vm killed in the midst of its work leaves what can be removed', () => {
  /** Which volume is there when the process is killed; the last one is written after all else. */
  test.each([['root.qcow2'], ['console.log'], ['config.iso']])(
    'once the VM’s %s is there',
    async (volume) => {
      const networks = { default: networkAt(41) };
      const child = cpi.start('create_vm', 'agent', stemcell, small, networks, [], {});
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
      expect(await volumesOf('vm-')).toEqual([]);
      expect(await host.vmNames()).toEqual([]);
      const again = cidOf(await createVmAt(41));
      await cpi.call('delete_vm', again);
    },
  );
});

describe('stemcells', () => {
  /** A small image that no other test has. */
  async function image(name: string): Promise<string> {
    const path = join(host.libvirtd.folder, name);
    const content = rawDisk(256 << 10);
    content.write(name, 1024);
    await writeFile(path, await tgz({ name: 'root.img', content }));
    return path;
  }
  const filesOf = async (cid: unknown) =>
    (await host.volumeNames()).filter((name) => name.startsWith(String(cid)));

  test('imported by two at once are one, which is nobody’s to write', async () => {
    const path = await image('twice');
    const [one, two] = await Promise.all([
      cpi.call('create_stemcell', path, {}),
      cpi.call('create_stemcell', path, {}),
    ]);
    expect(one).toBe(two);
    expect(await cpi.call('create_stemcell', path, {})).toBe(one);
    expect((await filesOf(one)).filter((name) => name.endsWith('.img'))).toEqual([`${one}.img`]);
    expect(await host.virsh('vol-dumpxml', `${one}.img`, '--pool', host.config.storagePool)).toContain(
      '<mode>0444</mode>',
    );
    await cpi.call('delete_stemcell', one);
    expect(await filesOf(one)).toEqual([]);
    await cpi.call('delete_stemcell', one);
  });

  test('imported by two directors stay until both have deleted them', async () => {
    const path = await image('shared');
    const cid = String((await cpi.request('create_stemcell', [path, {}], 'director-1')).result);
    await cpi.request('create_stemcell', [path, {}], 'director-2');
    expect((await cpi.request('delete_stemcell', [cid], 'director-1')).error).toBeNull();
    const vm = cidOf(await cpi.call('create_vm', 'a', cid, small, { a: networkAt(51) }, [], {}));
    await cpi.call('delete_vm', vm);
    expect((await cpi.request('delete_stemcell', [cid], 'director-2')).error).toBeNull();
    expect(await filesOf(cid)).toEqual([]);
  });

  test('deleted under VMs are gone for new ones, and in truth with the last VM', async () => {
    const path = await image('deleted');
    const cid = await cpi.call('create_stemcell', path, {});
    const create = (number: number) => [`a-${number}`, cid, small, { a: networkAt(number) }, [], {}];
    const [one, two] = [
      cidOf(await cpi.call('create_vm', ...create(52))),
      cidOf(await cpi.call('create_vm', ...create(53))),
    ];
    await cpi.call('delete_stemcell', cid);
    expect((await cpi.failure('create_vm', ...create(54))).type).toBe('StemcellNotFound');
    await cpi.call('delete_vm', one);
    expect(await filesOf(cid)).toEqual([`${cid}.img`]);
    await cpi.call('delete_vm', two);
    expect(await filesOf(cid)).toEqual([]);
  });

  test('deleted under a VM and imported again are the image that it stands on', async () => {
    const path = await image('again');
    const cid = await cpi.call('create_stemcell', path, {});
    const vm = cidOf(await cpi.call('create_vm', 'a', cid, small, { a: networkAt(55) }, [], {}));
    const inode = async () => (await run(['stat', '-c', '%i', join(host.poolPath, `${cid}.img`)])).stdout;
    const before = await inode();
    await cpi.call('delete_stemcell', cid);
    expect(await cpi.call('create_stemcell', path, {})).toBe(cid);
    expect(await inode()).toBe(before);
    await cpi.call('delete_vm', vm);
    expect(await filesOf(cid)).toHaveLength(3);
    await cpi.call('delete_stemcell', cid);
  });

  test.each([
    ['cut short', async (bytes: Buffer) => bytes.subarray(0, bytes.length - 100), 'is cut short'],
    ['for VMware', async () => await tgz({ name: 'a.vmdk', content: vmdk() }), 'VMDK'],
    ['that is empty', async () => Buffer.alloc(0), 'empty'],
  ])('%s are refused, and nothing is left', async (what, change, says) => {
    const before = await host.volumeNames();
    const path = join(host.libvirtd.folder, 'bad');
    await writeFile(path, await change(await tgz({ name: 'root.img', content: rawDisk(1 << 20) })));
    const { type, message } = await cpi.failure('create_stemcell', path, {});
    expect([what, type, message]).toEqual([what, 'CloudError', expect.stringContaining(says)]);
    expect(await host.volumeNames()).toEqual(before);
  });

  test('whose import was killed are made anew', async () => {
    const path = await image('killed');
    const cid = String(await cpi.call('create_stemcell', path, {}));
    await host.virsh('vol-delete', `${cid}.json`, '--pool', host.config.storagePool);
    await writeFile(join(host.poolPath, `${cid}.img`), 'half of an image');
    expect((await cpi.failure('create_vm', 'a', cid, small, { a: networkAt(56) }, [], {})).type).toBe(
      'StemcellNotFound',
    );
    expect(await cpi.call('create_stemcell', path, {})).toBe(cid);
    const { stdout } = await run(['stat', '-c', '%s', join(host.poolPath, `${cid}.img`)]);
    expect(Number(stdout)).toBe(256 << 10);
    await cpi.call('delete_stemcell', cid);
  });
});

test('CIDs that are not ours are nobody’s', async () => {
  const odd = ['', 'a', '../x', 'vm-1', 'x\ny', 'é', `${stemcell}`, 'v'.repeat(10_000)];
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
  const inside = (...argv: string[]) =>
    run(['nsenter', '-t', String(host.libvirtd.pid), '-m', '-p', ...argv] as [string, ...string[]]);

  beforeAll(async () => {
    await mkdir(folder());
    await inside('mount', '-t', 'tmpfs', '-o', 'size=72m', 'tmpfs', folder());
    await host.virsh('pool-create-as', 'tiny', 'dir', '--target', folder());
    tiny = await host.cpiWith('tiny-pool', { storagePool: 'tiny' });
  });
  afterAll(async () => {
    await host.virsh('pool-destroy', 'tiny');
    await inside('umount', folder());
    await rm(folder(), { recursive: true });
  });

  const filler = () => join(folder(), 'filler');
  const fill = async (megabytes: number) => {
    const dd = ['dd', 'if=/dev/zero', `of=${filler()}`, 'bs=1M', `count=${megabytes}`, 'status=none'];
    await run(['nsenter', '-t', String(host.libvirtd.pid), '-m', ...dd], { okExitCodes: [1] });
  };
  async function stemcellOf(name: string, bytes: number): Promise<string> {
    const path = join(host.libvirtd.folder, name);
    await writeFile(path, await tgz({ name: 'root.img', content: rawDisk(bytes) }));
    return path;
  }

  const volumes = async () => {
    await host.virsh('pool-refresh', 'tiny');
    return await host.virsh('vol-list', 'tiny');
  };

  test('takes no stemcell, whether that is seen before or in the midst of it', async () => {
    const large = await stemcellOf('large', 80 << 20);
    const { type, message } = await tiny.failure('create_stemcell', large, {});
    expect([type, message]).toEqual(['NoDiskSpace', expect.stringContaining('needs 84 MB')]);
    await fill(65); // and libvirt does not look again
    const inMidst = await tiny.failure('create_stemcell', await stemcellOf('midst', 20 << 20), {});
    expect([inMidst.type, inMidst.message]).toEqual([
      'NoDiskSpace',
      expect.stringContaining('No space left'),
    ]);
    await inside('rm', filler());
    expect(await volumes()).toBe('');
  });

  test('takes no VM: what could be made of it before is taken back', async () => {
    const cid = await tiny.call('create_stemcell', await stemcellOf('little', 64 << 10), {});
    const before = await volumes();
    await fill(80); // and libvirt does not look again
    const { type, message } = await tiny.failure('create_vm', 'a', cid, small, { a: networkAt(9) }, [], {});
    expect([type, message]).toEqual(['NoDiskSpace', expect.stringContaining('No space left')]);
    await inside('rm', filler());
    expect(await volumes()).toBe(before);
    expect(await host.vmNames()).toEqual([]);
    await tiny.call('delete_stemcell', cid);
  });

  test('takes no disk, and takes one as soon as there is room again', async () => {
    await fill(70);
    await host.virsh('pool-refresh', 'tiny');
    const { type, message } = await tiny.failure('create_disk', 64, {}, null);
    expect([type, message]).toEqual(['NoDiskSpace', expect.stringContaining("Storage pool 'tiny' has ")]);
    await inside('rm', filler());
    const disk = await tiny.call('create_disk', 64, {}, null);
    await tiny.call('delete_disk', disk);
  });
});

test('the ground is cleared of what only half is there', async () => {
  await createVmAt(61);
  await removeDefinition(cidOf(await createVmAt(62)));
  await cpi.call('create_disk', 16, {}, null);
  await writeFile(join(host.poolPath, 'of-somebody'), 'x');
  await host.virsh('pool-destroy', host.config.storagePool);
  await host.withBackend(async ({ ground }) => await ground.clear());
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
  return (await inHost('cat', `/run/libvirt/qemu/${cid}.pid`)).trim();
}

async function killQemu(cid: string): Promise<void> {
  await inHost('kill', '-9', await pidOf(cid));
  const state = async () =>
    (await host.virsh('domstate', '--reason', cid)).includes('crashed') ? true : undefined;
  expect(await waitFor(state, { timeoutMs: 10_000 })).toBe(true);
}

async function inHost(...argv: string[]): Promise<string> {
  const target = ['nsenter', '-t', String(host.libvirtd.pid), '-m', '-p'];
  return (await run([...target, ...argv] as [string, ...string[]], { okExitCodes: [1] })).stdout;
}

async function snapshotAndDestroy(cid: string): Promise<void> {
  await host.virsh('snapshot-create-as', cid, 'one');
  await host.virsh('destroy', cid);
}

async function removeDefinition(cid: string): Promise<void> {
  await host.virsh('destroy', cid);
  await host.virsh('undefine', cid);
}

/** The head of a sparse VMDK of one megabyte. */
function vmdk(): Buffer {
  const image = Buffer.alloc(64 << 10);
  image.write('KDMV');
  image.writeUInt32LE(1, 4);
  image.writeBigUInt64LE(2048n, 12);
  return image;
}
