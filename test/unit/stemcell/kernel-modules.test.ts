import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { dependenciesOf, kernelModules } from '../../../src/stemcell/kernel-modules.ts';

const moduleBytes = (depends: string) => Buffer.from(`ELF…\0license=GPL\0depends=${depends}\0vermagic=6.1\0`);

/** A tree as in /lib/modules/<release>. */
async function moduleTree(modules: Readonly<Record<string, string>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'modules-'));
  await mkdir(join(folder.path, 'kernel'));
  for (const [path, depends] of Object.entries(modules)) {
    await mkdir(dirname(join(folder.path, 'kernel', path)), { recursive: true });
    await writeFile(join(folder.path, 'kernel', path), moduleBytes(depends));
  }
  await writeFile(join(folder.path, 'modules.builtin'), 'kernel/fs/ext4/ext4.ko\n');
  return folder;
}

test('each module comes once, after what it needs; names with a dash are the same as with an underscore', async () => {
  await using folder = await moduleTree({
    'drivers/virtio/virtio.ko': '',
    'drivers/virtio/virtio_ring.ko': 'virtio',
    'drivers/block/virtio-blk.ko': 'virtio,virtio-ring',
    'drivers/net/virtio_net.ko': 'virtio_ring,virtio',
  });
  const modules = await kernelModules(folder.path, ['virtio_blk', 'ext4', 'virtio_net']);
  expect(modules.map(({ name }) => name)).toEqual(['virtio', 'virtio_ring', 'virtio_blk', 'virtio_net']);
});

test('a driver that is neither a module nor built in is an error', async () => {
  await using folder = await moduleTree({});
  await expect(kernelModules(folder.path, ['virtio_blk'])).rejects.toThrow(/no driver virtio_blk/);
});

test('a module without dependencies', () => {
  expect(dependenciesOf(moduleBytes(''))).toEqual([]);
  expect(dependenciesOf(Buffer.from('nothing'))).toEqual([]);
});
