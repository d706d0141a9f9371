/** Many CPI processes at once, and such as die in the midst of it: no update is lost, nobody waits for ever, no guest is booted. */
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startPrivateHost } from '../../src/host/private-host/index.ts';
import { silentLog } from '../../src/platform/log.ts';
import { waitFor } from '../../src/platform/retry.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { addressOf, CpiHost } from '../support/cpi-host.ts';
import { SmallVms, smallImage } from '../support/small-vms.ts';

let host: CpiHost;
let cpi: BoshCpi;
let vms: SmallVms;
/** What is there for all tests. */
let ground: string[];

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  vms = await SmallVms.on(host);
  ground = await host.volumeNames();
});
afterAll(async () => await host?.[Symbol.asyncDispose]());
afterEach(async () => {
  expect(await host.vmNames()).toEqual([]);
  expect(await host.volumeNames()).toEqual(ground);
});

const filesOf = async (cid: unknown) => await host.volumeNames(String(cid));
const vmIn = (result: unknown) => (result as [string])[0];

test('sixteen calls of all kinds do what each of them is to do', async () => {
  const image = await smallImage(host, 'sixteen');
  const [attaching, detaching, going, told] = (await Promise.all(
    [11, 12, 13, 14].map((number) => vms.create(number)),
  )) as [string, string, string, string];
  const [here, there, unwanted] = (await Promise.all(
    ['a', 'b', 'c'].map(() => cpi.call('create_disk', 16, {}, null)),
  )) as [string, string, string];
  await host.virsh('destroy', detaching); // else it would have to let go of the disk, and has nobody to do so
  await cpi.call('attach_disk', detaching, there);

  const results = await Promise.all([
    ...[21, 22, 23, 24].map((address) => cpi.call('create_vm', ...vms.request({ address }))),
    cpi.call('create_stemcell', image, {}),
    cpi.call('create_stemcell', image, {}),
    cpi.call('create_disk', 16, {}, null),
    cpi.call('attach_disk', attaching, here),
    cpi.call('detach_disk', detaching, there),
    cpi.call('delete_vm', going),
    cpi.call('delete_disk', unwanted),
    cpi.call('set_vm_metadata', told, { name: 'told/0', deployment: 'd' }),
    cpi.call('set_disk_metadata', here, { deployment: 'd' }),
    cpi.call('has_vm', told),
    cpi.call('has_disk', there),
    cpi.call('get_disks', told),
  ]);
  const made = results.slice(0, 4).map(vmIn);
  const [stemcell, same, disk] = results.slice(4, 7).map(String);
  expect(same).toBe(stemcell);
  expect(results.slice(-3)).toEqual([true, true, []]);
  expect(await host.vmNames()).toEqual([attaching, detaching, told, ...made].sort());
  for (const vm of made) expect(await host.virsh('domstate', vm)).toBe('running');
  expect(await cpi.call('get_disks', attaching)).toEqual([here]);
  expect(await cpi.call('get_disks', detaching)).toEqual([]);
  expect(await host.virsh('desc', '--title', told)).toBe('told/0 (d)');
  expect((await filesOf(stemcell)).filter((name) => name.endsWith('.img'))).toHaveLength(1);
  const disks = (await filesOf('disk-')).filter((name) => name.endsWith('.qcow2'));
  expect(disks).toEqual([disk, here, there].map((cid) => `${cid}.qcow2`).sort());
  expect(await filesOf(here)).toContain(`${here}.json`);

  await Promise.all([attaching, detaching, told, ...made].map((vm) => cpi.call('delete_vm', vm)));
  await Promise.all([here, there, disk].map((each) => cpi.call('delete_disk', each)));
  await cpi.call('delete_stemcell', stemcell);
});

test('what several processes delete at once is gone, and none of them fails', async () => {
  const vm = await vms.create(31);
  const disk = await cpi.call('create_disk', 16, {}, null);
  await cpi.call('set_disk_metadata', disk, { deployment: 'd' });
  const stemcell = await cpi.call('create_stemcell', await smallImage(host, 'four'), {});
  for (const [method, what] of [
    ['delete_vm', vm],
    ['delete_disk', disk],
    ['delete_stemcell', stemcell],
  ] as const)
    await Promise.all(Array.from({ length: 4 }, () => cpi.call(method, what)));
});

test('a stemcell deleted while VMs are made on it leaves whole VMs or none', async () => {
  const image = await smallImage(host, 'raced');
  for (const _ of [1, 2, 3]) {
    const stemcell = await cpi.call('create_stemcell', image, {});
    const [one, two] = await Promise.all([
      cpi.request('create_vm', vms.request({ stemcell, address: 41 })),
      cpi.request('create_vm', vms.request({ stemcell, address: 42 })),
      cpi.call('delete_stemcell', stemcell),
    ]);
    const made = [one, two].filter(({ error }) => error === null).map(({ result }) => vmIn(result));
    for (const { error } of [one, two])
      if (error) expect(error).toMatchObject({ type: 'Bosh::Clouds::StemcellNotFound' });
    expect(await host.vmNames()).toEqual([...made].sort());
    for (const vm of made) {
      expect(await host.virsh('domstate', vm)).toBe('running');
      expect(await filesOf(stemcell)).toEqual([`${stemcell}.img`]);
    }
    for (const vm of made) await cpi.call('delete_vm', vm);
    expect(await filesOf(stemcell)).toEqual([]);
  }
});

test('an import that is killed holds no lock, and its half of an image is nobody’s', async () => {
  const image = await smallImage(host, 'killed', 48 << 20);
  const child = cpi.start('create_stemcell', image, {});
  const ended = once(child, 'exit');
  const begun = async () => {
    const names = await readdir(host.poolPath);
    return names.find((name) => name.endsWith('.img') && !ground.includes(name));
  };
  const volume = await waitFor(begun, { timeoutMs: 60_000, intervalMs: 5 });
  child.kill('SIGKILL');
  await ended;
  const cid = String(volume).replace('.img', '');
  const answers = await Promise.all([
    cpi.call('create_stemcell', image, {}),
    cpi.call('create_stemcell', image, {}),
  ]);
  expect(answers).toEqual([cid, cid]);
  expect((await stat(join(host.poolPath, `${cid}.img`))).size).toBe(48 << 20);
  await cpi.call('delete_stemcell', cid);
});

test('a libvirtd that dies within create_vm leaves what the next call can go on from', async () => {
  const creating = cpi.request('create_vm', vms.request({ address: 51 }));
  const begun = async () =>
    (await readdir(host.poolPath)).some((name) => /^vm-.*root/.test(name)) || undefined;
  await waitFor(begun, { timeoutMs: 60_000, intervalMs: 5 });
  await host.inside('kill', '-9', (await host.inside('pidof', 'libvirtd')).trim());
  const { error } = await creating;
  expect(error?.type).toMatch(/^Bosh::Clouds::(VMCreationFailed|CloudError)$/);
  await startPrivateHost(host.libvirtd.folder, {
    driver: 'qemu',
    log: silentLog,
    signal: AbortSignal.timeout(90_000),
  });
  const [left] = await host.vmNames();
  if (left !== undefined) {
    const refused = await cpi.failure('create_vm', ...vms.request({ address: 51 }));
    expect(refused).toMatchObject({ type: 'VMCreationFailed', retry: true });
    expect(refused.message).toContain(`${addressOf(51)} on network`);
    expect(refused.message).toContain(`"arguments":["${left}"]`);
    await cpi.call('delete_vm', left);
  }
  await cpi.call('delete_vm', await vms.create(51));
});
