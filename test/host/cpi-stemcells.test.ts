/** Stemcells on the qemu backend: one volume for one content, however many import it, use it and delete it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../src/platform/process.ts';
import type { BoshCpi } from '../support/bosh-cpi.ts';
import { CpiHost } from '../support/cpi-host.ts';
import { SmallVms, smallImage } from '../support/small-vms.ts';
import { rawDisk, tgz, vmdk } from '../unit/cpi/stemcell/images.ts';

let host: CpiHost;
let cpi: BoshCpi;
let vms: SmallVms;

beforeAll(async () => {
  host = await CpiHost.start();
  cpi = host.cpi;
  vms = await SmallVms.on(host);
});
afterAll(async () => await host?.[Symbol.asyncDispose]());

const filesOf = async (cid: unknown) => await host.volumeNames(String(cid));

test('imported by two at once are one, which is nobody’s to write', async () => {
  const path = await smallImage(host, 'twice');
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
  const path = await smallImage(host, 'shared');
  const cid = String((await cpi.request('create_stemcell', [path, {}], 'director-1')).result);
  await cpi.request('create_stemcell', [path, {}], 'director-2');
  expect((await cpi.request('delete_stemcell', [cid], 'director-1')).error).toBeNull();
  const vm = await vms.create(51, { stemcell: cid });
  await cpi.call('delete_vm', vm);
  expect((await cpi.request('delete_stemcell', [cid], 'director-2')).error).toBeNull();
  expect(await filesOf(cid)).toEqual([]);
});

test('deleted under VMs are gone for new ones, and in truth with the last VM', async () => {
  const path = await smallImage(host, 'deleted');
  const cid = await cpi.call('create_stemcell', path, {});
  const one = await vms.create(52, { stemcell: cid });
  const two = await vms.create(53, { stemcell: cid });
  await cpi.call('delete_stemcell', cid);
  expect((await cpi.failure('create_vm', ...vms.request({ stemcell: cid }))).type).toBe('StemcellNotFound');
  await cpi.call('delete_vm', one);
  expect(await filesOf(cid)).toEqual([`${cid}.img`]);
  await cpi.call('delete_vm', two);
  expect(await filesOf(cid)).toEqual([]);
});

test('deleted under a VM and imported again are the image that it stands on', async () => {
  const path = await smallImage(host, 'again');
  const cid = await cpi.call('create_stemcell', path, {});
  const vm = await vms.create(55, { stemcell: cid });
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
  [
    'for VMware, but not as stemcells are',
    async () => await tgz({ name: 'a.vmdk', content: vmdk({ flags: 3 }) }),
    'stream-optimized',
  ],
  [
    'for VMware, without an end',
    async () => await tgz({ name: 'a.vmdk', content: vmdk({ tail: false }) }),
    'cut short',
  ],
  ['for containers', async () => await tgz({ name: 'bin/', type: 'directory' }), 'openstack-kvm stemcell'],
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
  const path = await smallImage(host, 'killed');
  const cid = String(await cpi.call('create_stemcell', path, {}));
  await host.virsh('vol-delete', `${cid}.json`, '--pool', host.config.storagePool);
  await writeFile(join(host.poolPath, `${cid}.img`), 'half of an image');
  expect((await cpi.failure('create_vm', ...vms.request({ stemcell: cid }))).type).toBe('StemcellNotFound');
  expect(await cpi.call('create_stemcell', path, {})).toBe(cid);
  const { stdout } = await run(['stat', '-c', '%s', join(host.poolPath, `${cid}.img`)]);
  expect(Number(stdout)).toBe(256 << 10);
  await writeFile(join(host.poolPath, `${cid}.json`), Buffer.alloc(80)); // made, and not yet written
  expect((await cpi.failure('create_vm', ...vms.request({ stemcell: cid }))).type).toBe('StemcellNotFound');
  expect(await cpi.call('create_stemcell', path, {})).toBe(cid);
  await cpi.call('delete_vm', await vms.create(56, { stemcell: cid }));
  await cpi.call('delete_stemcell', cid);
});
