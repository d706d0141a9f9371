import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { openStemcellImage } from '../../../../src/cpi/stemcell/index.ts';
import { rawFromVmdk } from '../../../../src/cpi/stemcell/raw-from-vmdk.ts';
import { run } from '../../../../src/platform/process.ts';
import { grainBytes, rawDisk, tgz, vmdk } from './images.ts';

const ovf = { name: 'image.ovf', content: Buffer.from('<?xml version="1.0"?>\n<Envelope/>\n') };
const one = rawDisk(grainBytes);
const other = Buffer.alloc(grainBytes, 7);

/** The raw disk in a vsphere stemcell's image. */
async function unpack(disk: Buffer): Promise<Buffer> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-vmdk-'));
  const path = join(folder.path, 'image');
  await writeFile(path, await tgz(ovf, { name: 'image-disk1.vmdk', content: disk }));
  const image = await openStemcellImage(path);
  expect(image.format).toBe('vmdk');
  const raw = await buffer(rawFromVmdk(image).open());
  expect(raw.length).toBe(image.virtualSizeBytes);
  return raw;
}

test('grains lie where they belong, holes are zeroes, and tables behind them are passed over', async () => {
  const disk = vmdk({
    grains: [
      [0, one],
      [2, other],
    ],
  });
  const zeroes = Buffer.alloc(grainBytes);
  expect((await unpack(disk)).equals(Buffer.concat([one, zeroes, other, zeroes]))).toBe(true);
});

test('a disk may end within its last grain', async () => {
  const disk = vmdk({ grains: [[1, other]], capacityBytes: grainBytes + 512 });
  expect((await unpack(disk)).equals(Buffer.concat([Buffer.alloc(grainBytes), other.subarray(0, 512)]))).toBe(
    true,
  );
});

test('what qemu-img packs is unpacked to the very disk', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-vmdk-'));
  const disk = Buffer.alloc(40 * grainBytes);
  for (const at of [0, 3, 4, 39]) rawDisk(grainBytes).copy(disk, at * grainBytes);
  await writeFile(join(folder.path, 'raw'), disk);
  const convert = [
    'qemu-img',
    'convert',
    '-f',
    'raw',
    '-O',
    'vmdk',
    '-o',
    'subformat=streamOptimized',
  ] as const;
  await run([...convert, 'raw', 'vmdk'], { cwd: folder.path });
  expect((await unpack(await readFile(join(folder.path, 'vmdk')))).equals(disk)).toBe(true);
});

test.each([
  ['of another kind', vmdk({ flags: 3 }), 'not stream-optimized'],
  ['without its end', vmdk({ grains: [[0, one]], tail: false }), 'cut short'],
  ['cut off in a grain', vmdk({ grains: [[0, one]] }).subarray(0, 2048), 'cut short'],
  [
    'with grains in no order',
    vmdk({
      grains: [
        [2, one],
        [1, other],
      ],
    }),
    'out of order',
  ],
  ['with a grain beyond its end', vmdk({ grains: [[9, one]] }), 'out of order'],
  ['with a damaged grain', damaged(vmdk({ grains: [[0, one]] })), 'cannot be unpacked'],
  ['with a grain that would fill our memory', endless(vmdk({ grains: [[0, one]] })), 'is too long'],
])('a VMDK %s is refused', async (_, disk, message) => {
  await expect(unpack(disk)).rejects.toMatchObject({
    name: 'CloudError',
    message: expect.stringContaining(message),
    hints: [expect.stringContaining('checksum')],
  });
});

/** The first grain's head follows the header and an empty sector. */
function endless(disk: Buffer): Buffer {
  disk.writeUInt32LE(0xffff_0000, 2 * 512 + 8);
  return disk;
}

function damaged(disk: Buffer): Buffer {
  disk.fill(0xff, 1024 + 12, 1024 + 200);
  return disk;
}
