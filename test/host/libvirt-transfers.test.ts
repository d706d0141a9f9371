/** Uploads and downloads of the libvirt client against a real libvirtd; virsh is the second opinion. */
import { randomBytes } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Libvirt, libvirtErrors, type Pool } from '../../src/clients/libvirt/index.ts';
import { run } from '../../src/platform/process.ts';
import {
  bytes,
  digest,
  type LibvirtScene,
  mib,
  poolXml,
  refusal,
  startScene,
  volumeXml,
} from '../support/libvirt-scene.ts';

let scene: LibvirtScene;
let libvirt: Libvirt;
let pool: Pool;

beforeAll(async () => {
  scene = await startScene();
  ({ libvirt, pool } = scene);
});

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

test('an upload arrives byte by byte, whatever the size of its pieces', async () => {
  const length = 20 * mib + 12_345;
  const volume = await pool.createVolume(volumeXml('big.raw', length));
  const seed = randomBytes(1_000_003); // larger than a message, and no multiple of anything
  await volume.upload(bytes(length, seed), { lengthBytes: length });
  const sent = await digest(bytes(length, seed));
  expect(await digest(volume.download())).toEqual(sent);
  const file = join(scene.daemon.folder, 'other-road');
  await scene.virsh('vol-download', '--pool', 'p1', 'big.raw', file);
  expect((await run(['sha256sum', file])).stdout).toContain(sent.sha256);

  await volume.upload(bytes(3, Buffer.from('abc')), { offsetBytes: 10 * mib, lengthBytes: 3 });
  const part = await digest(volume.download({ offsetBytes: 10 * mib, lengthBytes: 3 }));
  expect(part).toEqual(await digest(bytes(3, Buffer.from('abc'))));
  await volume.delete();
});

test('a sparse upload leaves out the zeroes and keeps the length', async () => {
  const length = 64 * mib;
  const volume = await pool.createVolume(volumeXml('sparse.raw', length));
  const content = Buffer.alloc(length);
  for (const at of [5, 20 * mib + 7, 40 * mib]) content.set(randomBytes(100_000), at);
  await volume.upload(bytes(length, content), { sparse: true });
  expect((await digest(volume.download())).sha256).toBe((await digest(bytes(length, content))).sha256);
  const { size, blocks } = await stat(await volume.path());
  expect(size).toBe(length);
  expect(blocks * 512).toBeLessThan(2 * mib);
  await volume.delete();
});

test('an upload that libvirt refuses in the middle is a LibvirtError, and the connection lives on', async () => {
  const volume = await pool.createVolume(volumeXml('small.raw', mib));
  const tooMuch = volume.upload(bytes(64 * mib, randomBytes(mib)), { lengthBytes: mib });
  expect((await refusal(tooMuch)).message).toBeTruthy();
  expect((await volume.info()).capacityBytes).toBe(mib);
  await volume.delete();
});

test('a disk that runs full during an upload is told with its errno', async () => {
  const path = join(scene.daemon.folder, 'full');
  await mkdir(path);
  await run([
    'nsenter',
    '-m',
    '-t',
    `${scene.daemon.pid}`,
    'mount',
    '-t',
    'tmpfs',
    '-o',
    'size=4m',
    'none',
    path,
  ]);
  const small = await libvirt.definePool(poolXml('full', path));
  await small.start();
  const volume = await small.createVolume(volumeXml('v.raw', 16 * mib));
  const error = await refusal(volume.upload(bytes(16 * mib, randomBytes(mib))));
  expect(error).toMatchObject({ libvirtCode: libvirtErrors.SYSTEM_ERROR, int1: 28 });
  await volume.delete();
  await small.destroy();
  await small.undefine();
});

test('a download that is left half read ends, and the connection lives on', async () => {
  const volume = await pool.createVolume(volumeXml('half.raw', 64 * mib));
  for await (const chunk of volume.download()) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  expect((await volume.info()).type).toBe('file');
  await volume.delete();
});

test('a reader may make other calls while it downloads, and read two volumes side by side', async () => {
  const [left, right] = await Promise.all(
    ['left.raw', 'right.raw'].map((name) => pool.createVolume(volumeXml(name, 48 * mib))),
  );
  const other = right?.download();
  for await (const chunk of left?.download() ?? []) {
    expect((await left?.info())?.capacityBytes).toBe(48 * mib);
    expect((await other?.next())?.value?.length).toBe(chunk.length);
  }
  expect((await other?.next())?.done).toBe(true);
  await Promise.all([left?.delete(), right?.delete()]);
});

test('a signal ends a transfer at once, and the connection lives on', async () => {
  const volume = await pool.createVolume(volumeXml('given-up.raw', 16 * mib));
  const giveUp = new AbortController();
  async function* hanging() {
    yield randomBytes(mib);
    giveUp.abort(new Error('enough'));
    await new Promise(() => {});
  }
  await expect(volume.upload(hanging(), { signal: giveUp.signal })).rejects.toThrow('enough');
  await expect(digest(volume.download({ signal: giveUp.signal }))).rejects.toThrow('enough');
  await volume.delete();
});
