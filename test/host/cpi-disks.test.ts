/**
 * Disks that are plugged in by several at once, grown and copied, on VMs without a guest and in one that writes all the time.
 * What is in a copy is asked of QEMU's and ext4's own tools.
 */
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SnapshotCid, SnapshotStore, VmCid } from '../../src/cpi/backend.ts';
import { LibvirtHost } from '../../src/cpi/on-libvirt/libvirt-host.ts';
import { lockInPool } from '../../src/cpi/on-libvirt/locks.ts';
import { silentLog } from '../../src/platform/log.ts';
import { run } from '../../src/platform/process.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { CpiHost } from '../support/cpi-host.ts';
import { mib } from '../support/libvirt-scene.ts';
import { ProbeGuests } from '../support/probe-guests.ts';
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

describe('disks that are plugged in', () => {
  test('six at once on one VM are all there, each under a name of its own', async () => {
    const vm = await vms.create(11);
    const disks = await makeDisks(6);
    const hints = await Promise.all(disks.map((disk) => cpi.call('attach_disk', vm, disk)));
    expect(hints).toEqual(disks.map((disk) => ({ path: `/dev/disk/by-id/virtio-${disk}` })));
    for (const definition of [[], ['--inactive']])
      expect(persistent(await host.virsh('domblklist', vm, ...definition)).sort()).toEqual([...disks].sort());
    await forget(vm, disks);
  });

  test('one is given to a single VM of four that are off and ask at once', async () => {
    const four = await Promise.all([12, 13, 14, 15].map((number) => vms.create(number)));
    await Promise.all(four.map((vm) => host.virsh('destroy', vm)));
    const [disk = ''] = await makeDisks(1);
    const answers = await Promise.all(four.map((vm) => cpi.request('attach_disk', [vm, disk])));
    const winners = four.filter((_, at) => answers[at]?.error === null);
    expect(winners).toHaveLength(1);
    const losers = answers.filter(({ error }) => error !== null);
    for (const { error } of losers)
      expect(error?.message).toContain(`'${disk}' is attached to VM '${winners[0]}'`);
    const having = await Promise.all(
      four.map(async (vm) => (await host.virsh('dumpxml', vm)).includes(disk)),
    );
    expect(having.filter(Boolean)).toHaveLength(1);
    for (const vm of four) await cpi.call('delete_vm', vm);
    await cpi.call('delete_disk', disk);
  });

  test.each([['pc'], ['q35']])(
    'twenty fit into a running %s, and the one that does not is refused',
    async (machine) => {
      const onMachine = await host.cpiWith(machine, { options: { machine } });
      const [vm] = (await onMachine.call('create_vm', ...vms.request({ address: 16 }))) as [string];
      const disks = await makeDisks(20);
      for (const disk of [...disks].reverse()) await cpi.call('attach_disk', vm, disk);
      const all = [...disks];
      const refused = await waitFor(
        async () => {
          const [disk = ''] = await makeDisks(1);
          all.push(disk);
          const { error } = await cpi.request('attach_disk', [vm, disk]);
          return error ?? undefined;
        },
        { timeoutMs: 60_000, intervalMs: 1 },
      );
      expect(refused?.message).toContain('no free PCI slot');
      expect([...((await cpi.call('get_disks', vm)) as string[])].sort()).toEqual(all.slice(0, -1).sort());
      await forget(vm, all);
    },
  );

  test('those of an earlier version, which kept no account of who has them, are looked for everywhere', async () => {
    const [vm, other] = [await vms.create(17), await vms.create(18)];
    const [disk = ''] = await makeDisks(1);
    await cpi.call('attach_disk', vm, disk);
    const areRefused = async () => {
      for (const act of [
        ['attach_disk', other, disk],
        ['delete_disk', disk],
      ] as [string, ...unknown[]][]) {
        const { type, message } = await cpi.failure(...act);
        expect([type, message]).toEqual(['CloudError', expect.stringContaining(`attached to VM '${vm}'`)]);
      }
    };
    const claim = `${disk}-vm.claim`;
    await writeFile(join(host.poolPath, claim), Buffer.alloc(20)); // an attach_disk was killed while it wrote it
    await areRefused();
    await host.virsh('vol-delete', claim, '--pool', host.config.storagePool);
    await areRefused();
    await cpi.call('delete_vm', vm);
    await cpi.call('attach_disk', other, disk);
    await forget(other, [disk]);
  });

  test('whoever changes a disk, or who has it, waits for the one that is at it', async () => {
    const vm = await vms.create(19);
    const [disk = '', other = ''] = await makeDisks(2);
    const waiting = await whileLocked(disk, async () => {
      const calls = [
        cpi.call('attach_disk', vm, disk),
        cpi.call('resize_disk', disk, 20),
        cpi.call('snapshot_disk', disk, {}),
      ];
      await cpi.call('attach_disk', vm, other); // takes as long as they would
      expect((await cpi.call('get_disks', vm)) as string[]).not.toContain(disk);
      expect([await sizeInMb(disk), await snapshotFiles()]).toEqual([16, []]);
      return calls;
    });
    const [, , snapshot] = await Promise.all(waiting);
    expect(await cpi.call('get_disks', vm)).toContain(disk);
    expect(await sizeInMb(disk)).toBe(20);
    await cpi.call('delete_snapshot', snapshot);
    await forget(vm, [disk, other]);
  });

  test('no word about the VM that a disk is for is needed', async () => {
    for (const hint of [[], [null], [''], ['vm-none']])
      await cpi.call('delete_disk', await cpi.call('create_disk', 16, {}, ...hint));
  });
});

describe('resize_disk and update_disk', () => {
  let vm: string;
  let disk: string;

  beforeAll(async () => {
    vm = await vms.create(21);
    [disk = ''] = await makeDisks(1);
    await cpi.call('attach_disk', vm, disk);
  });
  afterAll(async () => await forget(vm, [disk]));

  test.each<[string, number, () => Promise<unknown>]>([
    ['that runs', 20, async () => {}],
    ['that is paused', 24, async () => await host.virsh('suspend', vm)],
    ['that is off', 28, async () => await host.virsh('destroy', vm)],
    ['that runs again', 32, async () => await host.virsh('start', vm)],
  ])('grow a disk of a VM %s', async (_, sizeMb, act) => {
    await act();
    expect(await cpi.call('resize_disk', disk, sizeMb)).toBeNull();
    expect(await sizeInMb(disk)).toBe(sizeMb);
    expect(await host.virsh('domblkinfo', vm, pathOf(disk))).toMatch(
      new RegExp(`Capacity:\\s+${sizeMb * mib}`),
    );
    expect(await cpi.call('update_disk', disk, sizeMb + 2, { type: 'gp3' })).toBeNull();
    expect(await sizeInMb(disk)).toBe(sizeMb + 2);
  });

  test('change nothing if the disk is as large as that', async () => {
    const before = await readFile(pathOf(disk));
    expect(await cpi.call('resize_disk', disk, 34)).toBeNull();
    expect(await cpi.call('update_disk', disk, 34, {})).toBeNull();
    expect((await readFile(pathOf(disk))).equals(before)).toBe(true);
  });

  test('never shrink: bosh then makes a new disk', async () => {
    for (const act of [
      ['resize_disk', disk, 33],
      ['update_disk', disk, 16, {}],
    ] as [string, ...unknown[]][]) {
      const { type, message } = await cpi.failure(...act);
      expect([type, message]).toEqual([
        'NotSupported',
        expect.stringContaining('has 34 MiB and cannot shrink'),
      ]);
    }
    expect(await sizeInMb(disk)).toBe(34);
  });

  test.each([
    ['resize_disk', 64],
    ['update_disk', 64, {}],
    ['snapshot_disk', {}],
    ['attach_disk'],
    ['detach_disk'],
  ])('%s knows what is not there', async (method, ...rest) => {
    for (const none of ['disk-0123456789abcde', 'disk-none']) {
      const args = method.startsWith('a') || method.startsWith('d') ? [vm, none] : [none, ...rest];
      expect((await cpi.failure(method, ...args)).type).toBe('DiskNotFound');
    }
  });
});

describe('snapshot_disk', () => {
  test('copies a disk that nobody has; each copy lives and dies for itself', async () => {
    const [disk = ''] = await makeDisks(1);
    const snapshots: string[] = [];
    for (const mark of [1, 2, 3]) {
      await writeMark(disk, mark);
      snapshots.push(String(await cpi.call('snapshot_disk', disk, { deployment: 'd', index: mark })));
    }
    expect(await volumesOf(snapshots[0])).toEqual([`${snapshots[0]}.json`, `${snapshots[0]}.qcow2`]);
    expect(JSON.parse(await readFile(join(host.poolPath, `${snapshots[1]}.json`), 'utf8'))).toEqual({
      version: 1,
      environment: 'test',
      kind: 'snapshot',
      disk,
      metadata: { deployment: 'd', index: 2 },
    });
    await cpi.call('delete_disk', disk);
    await cpi.call('delete_snapshot', snapshots[1]);
    expect(await volumesOf(snapshots[1])).toEqual([]);
    for (const mark of [1, 3]) await expectMark(snapshots[mark - 1], mark);
    for (const each of [...snapshots].reverse()) expect(await cpi.call('delete_snapshot', each)).toBeNull();
    expect(await host.volumeNames('snap-')).toEqual([]);
    await cpi.call('delete_snapshot', 'snap-none');
  });

  test('and snapshots of the whole machine leave each other alone', async () => {
    const vm = await vms.create(31);
    const [disk = ''] = await makeDisks(1);
    await writeMark(disk, 1);
    await cpi.call('attach_disk', vm, disk);
    await withSnapshots((store) => store.create(vm as VmCid, 'whole'));
    const first = await cpi.call('snapshot_disk', disk, {});
    await cpi.call('resize_disk', disk, 32);
    const second = await cpi.call('snapshot_disk', disk, {});
    await expectMark(first, 1);
    expect([await sizeInMb(String(first)), await sizeInMb(String(second))]).toEqual([16, 32]);
    expect(await run(['qemu-img', 'snapshot', '-l', pathOf(String(first))])).toMatchObject({ stdout: '' });

    await withSnapshots((store) => store.restore(vm as VmCid, 'whole'));
    expect(await host.virsh('domstate', vm)).toBe('running');
    expect(await sizeInMb(disk)).toBe(16);
    await expectMark(second, 1);
    await cpi.call('delete_snapshot', first);
    await withSnapshots((store) => store.delete(vm as VmCid, 'whole'));
    await cpi.call('delete_snapshot', await cpi.call('snapshot_disk', disk, {}));
    await forget(vm, [disk]);
    await expectMark(second, 1);
    await cpi.call('delete_snapshot', second);
  });

  describe('of a disk that takes its time', () => {
    let vm: string;
    let disk: string;
    const others: string[] = [];

    beforeAll(async () => {
      vm = await vms.create(32);
      disk = String(await cpi.call('create_disk', 512, {}, null));
      await run(['qemu-io', '-f', 'qcow2', '-c', 'write -P 5 0 400M', pathOf(disk)]);
      await writeMark(disk, 5);
      await cpi.call('attach_disk', vm, disk);
    });
    afterAll(async () => await forget(vm, [disk, ...others]));

    test('leaves no half when it is killed, and hinders nobody afterwards', async () => {
      const known = await snapshotFiles();
      const child = cpi.start('snapshot_disk', disk, {});
      const ended = once(child, 'exit');
      const half = await newSnapshotOver(known, 4 * mib);
      child.kill('SIGKILL');
      await ended;
      expect(await volumesOf(half)).toEqual([`${half}.qcow2`]);
      const [second = '', third = ''] = await makeDisks(2);
      await writeMark(second, 6);
      await cpi.call('attach_disk', vm, second);
      const [whole, ofSecond] = await Promise.all([
        cpi.call('snapshot_disk', disk, {}),
        cpi.call('snapshot_disk', second, {}),
        cpi.call('attach_disk', vm, third),
        cpi.call('set_vm_metadata', vm, { name: 'a/b' }),
      ]);
      expect(await cpi.call('get_disks', vm)).toEqual([disk, second, third]);
      await expectMark(ofSecond, 6);
      await expectMark(whole, 5);
      expect(await volumesOf(half)).toEqual([`${half}.qcow2`]);
      for (const each of [half, whole, ofSecond]) await cpi.call('delete_snapshot', each);
      others.push(second, third);
    });

    test('is whole though the VM is stopped in the midst', async () => {
      const known = await snapshotFiles();
      const snapshot = cpi.call('snapshot_disk', disk, {});
      await newSnapshotOver(known, 4 * mib);
      await host.virsh('destroy', vm);
      await expectMark(await snapshot, 5);
      await host.virsh('start', vm);
      await cpi.call('delete_snapshot', await snapshot);
      expect(await host.volumeNames('snap-')).toEqual([]);
    });
  });
});

describe('a guest that writes all the time', () => {
  const guest = 41;
  let guests: ProbeGuests;
  let vm: string;
  let disk: string;
  let snapshot: string;

  beforeAll(async () => {
    guests = await ProbeGuests.prepare(host, [guest]);
    const stemcell = await cpi.call('create_stemcell', guests.imagePath, {});
    [vm] = (await cpi.call('create_vm', ...guests.request('agent', stemcell, guest))) as [string];
    disk = String(await cpi.call('create_disk', 64, {}, vm));
    const agent = await guests.awake(guest);
    await agent.addPersistentDisk(disk, await cpi.call('attach_disk', vm, disk));
    await agent.mountDisk(disk);
    const counting =
      'n=0; until [ -e /tmp/enough ]; do n=$((n+1)); echo $n >>$file; sync $file; done; rm /tmp/enough';
    await guests.shell(guest, `file=/var/vcap/store/count; (${counting}) </dev/null >/dev/null 2>&1 &`);
  });

  const counted = async (): Promise<number> =>
    Number(await guests.shell(guest, 'tail -n 1 /var/vcap/store/count'));

  test('is copied as it was at one moment, in a state that its file system mends', async () => {
    const before = await counted();
    snapshot = String(await cpi.call('snapshot_disk', disk, { job: 'writer' }));
    const after = await counted();
    const numbers = await countIn(snapshot);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(before);
    expect(numbers.length).toBeLessThanOrEqual(after);
  });

  test('sees at once that its disk has grown, writes on, and its agent grows the file system', async () => {
    const sectors = async () =>
      await guests.shell(guest, `cd /sys/block; cat $(dirname $(grep -l ${disk} */serial))/size`);
    expect(await sectors()).toBe(String((64 * mib) / 512));
    await cpi.call('resize_disk', disk, 96);
    expect(await sectors()).toBe(String((96 * mib) / 512));
    const before = await counted();
    expect(
      await waitFor(async () => ((await counted()) > before ? true : undefined), { timeoutMs: 10_000 }),
    ).toBe(true);

    await guests.shell(guest, 'touch /tmp/enough; while [ -e /tmp/enough ]; do sleep 0.1; done');
    const agent = guests.agent(guest);
    await agent.unmountDisk(disk);
    await agent.mountDisk(disk);
    const kilobytes = await guests.shell(guest, "df -k /var/vcap/store | awk 'END {print $2}'");
    expect(Number(kilobytes)).toBeGreaterThan(80 * 1024);
    expect(await counted()).toBeGreaterThanOrEqual(before);
  });

  test('goes on where there is no space for a copy, of which nothing is left', async () => {
    await using small = await smallPool();
    const full = async () => {
      const { type, message } = await small.cpi.failure('snapshot_disk', other, {});
      expect((await readdirInside(small.folder)).filter((name) => name.startsWith('snap-'))).toEqual([]);
      return [type, message];
    };
    const other = String(await small.cpi.call('create_disk', 128, {}, vm));
    await host.inside(
      'qemu-io',
      '-f',
      'qcow2',
      '-c',
      'write -P 5 0 100M',
      join(small.folder, `${other}.qcow2`),
    );
    await small.fill();
    // libvirt does not know yet how full the pool is: that shows in the midst of the copy
    const inTheMidst = ['NoDiskSpace', expect.stringContaining('No space left on device')];
    expect(await full()).toEqual(inTheMidst);
    await host.virsh('pool-refresh', 'small');
    const before = expect.stringMatching(/needs 10\d MiB, storage pool 'small' has \d+ MiB free/);
    expect(await full()).toEqual(['NoDiskSpace', before]);

    await small.empty();
    await small.cpi.call('attach_disk', vm, other);
    const writing =
      'while dd if=/dev/zero of=$disk bs=1M count=100 oflag=direct; do :; done; touch /tmp/stopped';
    const find = `disk=/dev/$(basename $(dirname $(grep -l ${other} /sys/block/*/serial)))`;
    await guests.shell(guest, `${find}; (${writing}) </dev/null >/dev/null 2>&1 &`);
    await small.fill();
    // nothing is begun: QEMU 7.2 crashes now and then when a copy of a running machine finds no space
    expect(await full()).toEqual(['NoDiskSpace', before]);
    expect(await host.virsh('domstate', vm)).toBe('running');
    expect(await guests.shell(guest, 'ls /tmp')).not.toContain('stopped');
    await small.empty();
    await small.cpi.call('delete_snapshot', await small.cpi.call('snapshot_disk', other, {}));
    await host.virsh('destroy', vm);
    await small.cpi.call('detach_disk', vm, other);
  });

  test('is outlived by the copy, and its disk too', async () => {
    const numbers = await countIn(snapshot);
    await forget(vm, [disk]);
    expect(await countIn(snapshot)).toEqual(numbers);
    await cpi.call('delete_snapshot', snapshot);
    expect((await host.volumeNames()).filter((name) => !name.startsWith('sc-'))).toEqual([]);
  });
});

/** A pool of 320 MiB in memory, with a CPI that makes its disks there. */
async function smallPool() {
  const folder = join(host.libvirtd.folder, 'small');
  const ballast = join(folder, 'ballast');
  await mkdir(folder);
  await host.inside('mount', '-t', 'tmpfs', '-o', 'size=320m', 'tmpfs', folder);
  await host.virsh('pool-create-as', 'small', 'dir', '--target', folder);
  return {
    cpi: await host.cpiWith('small-pool', { storagePool: 'small' }),
    folder,
    /** Leaves 60 MiB beside a disk of 100, and does not tell libvirt. */
    fill: () => host.inside('dd', 'if=/dev/zero', `of=${ballast}`, 'bs=1M', 'count=160'),
    async empty() {
      await host.inside('rm', ballast);
      await host.virsh('pool-refresh', 'small');
    },
    async [Symbol.asyncDispose]() {
      await host.virsh('pool-destroy', 'small');
      await host.inside('umount', '--lazy', folder); // a failed test's VM may have it open
    },
  };
}

/** The names in a folder that the host alone sees. */
async function readdirInside(folder: string): Promise<string[]> {
  return (await host.inside('ls', folder)).split('\n');
}

const pathOf = (cid: string): string => join(host.poolPath, `${cid}.qcow2`);

async function makeDisks(count: number): Promise<string[]> {
  const made = Array.from({ length: count }, () => cpi.call('create_disk', 16, {}, null));
  return (await Promise.all(made)).map(String);
}

/** Does `act` as if another process were at this disk. */
async function whileLocked<T>(disk: string, act: () => Promise<T>): Promise<T> {
  await using libvirt = await LibvirtHost.open(host.config, silentLog);
  await using _lock = await lockInPool(libvirt, disk, 'a test');
  return await act();
}

/** Deletes a VM with what it has, and these disks. */
async function forget(vm: string, disks: readonly string[]): Promise<void> {
  await cpi.call('delete_vm', vm);
  await Promise.all(disks.map((disk) => cpi.call('delete_disk', disk)));
}

/** The persistent disks in what `virsh domblklist` says. */
const persistent = (list: string): string[] => [...list.matchAll(/disk-[0-9a-f]{15}/g)].map(([cid]) => cid);

async function volumesOf(cid: unknown): Promise<string[]> {
  return (await readdir(host.poolPath)).filter((name) => name.startsWith(String(cid))).sort();
}

/** As the image itself says. */
async function sizeInMb(cid: string): Promise<number> {
  const { stdout } = await run(['qemu-img', 'info', '-U', '--output', 'json', pathOf(cid)]);
  return (JSON.parse(stdout) as { 'virtual-size': number })['virtual-size'] / mib;
}

async function writeMark(cid: string, mark: number): Promise<void> {
  await run(['qemu-io', '-f', 'qcow2', '-c', `write -P ${mark} 8M 64k`, pathOf(cid)]);
}

/** Also that nobody has the image open, and that it is sound. */
async function expectMark(cid: unknown, mark: number): Promise<void> {
  const path = pathOf(String(cid));
  const { stdout } = await run(['qemu-io', '-f', 'qcow2', '-c', `read -P ${mark} 8M 64k`, path]);
  expect(stdout).not.toContain('verification failed');
  await run(['qemu-img', 'check', path]);
}

async function snapshotFiles(): Promise<string[]> {
  return (await readdir(host.poolPath)).filter((name) => name.startsWith('snap-'));
}

/** Waits for a copy that is under way and this large, and gives its CID. */
async function newSnapshotOver(known: readonly string[], bytes: number): Promise<SnapshotCid> {
  const found = await waitFor(
    async () => {
      for (const name of await snapshotFiles()) {
        if (known.includes(name)) continue;
        await using file = await open(join(host.poolPath, name));
        if ((await file.stat()).size > bytes) return name.slice(0, 20) as SnapshotCid;
      }
      return undefined;
    },
    { timeoutMs: 30_000, intervalMs: 1 },
  );
  if (!found) throw new Error('no copy was begun');
  return found;
}

async function withSnapshots<T>(act: (store: SnapshotStore) => Promise<T>): Promise<T> {
  return await host.withBackend(async ({ snapshots }) => {
    if (!snapshots) throw new Error('no snapshots');
    return await act(snapshots);
  });
}

/** The numbers in the guest's file as a copy has it, once ext4 has replayed its journal; throws if it is damaged even then. */
async function countIn(snapshot: string): Promise<number[]> {
  const [raw, partition] = ['raw', 'partition'].map((name) => join(host.libvirtd.folder, name)) as [
    string,
    string,
  ];
  await run(['qemu-img', 'convert', '-O', 'raw', pathOf(snapshot), raw]);
  const image = await readFile(raw);
  const [start, sectors] = [image.readUInt32LE(454), image.readUInt32LE(458)]; // the first entry of an MBR
  await writeFile(partition, image.subarray(start * 512, (start + sectors) * 512));
  await run(['e2fsck', '-p', partition], { okExitCodes: [1] });
  await run(['e2fsck', '-f', '-n', partition]);
  const { stdout } = await run(['debugfs', '-R', 'cat /count', partition]);
  await Promise.all([rm(raw), rm(partition)]);
  return stdout.trim().split('\n').map(Number);
}
