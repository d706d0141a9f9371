import { mkdir, open, opendir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './programs.ts';

const mib = 1024 * 1024;
const diskBytes = 2048 * mib;
const contentBytes = 512 * mib;

export interface Images {
  /** A stemcell's `image` with a raw disk in it: 2 GiB, a quarter of it files of this machine, the rest empty. */
  readonly raw: string;
  /** The same disk as a compressed qcow2, the usual form of a stemcell for OpenStack. */
  readonly qcow2: string;
}

/** Makes the images in `folder`; takes about a minute. */
export async function makeImages(folder: string): Promise<Images> {
  const disk = join(folder, 'disk.raw');
  await writeDisk(disk);
  const raw = await pack(folder, 'raw', (to) => ['cp', '--sparse=always', disk, to]);
  const qcow2 = await pack(folder, 'qcow2', (to) => [
    'qemu-img',
    'convert',
    '-c',
    '-f',
    'raw',
    '-O',
    'qcow2',
    disk,
    to,
  ]);
  await rm(disk);
  return { raw, qcow2 };
}

/** A boot sector, and behind the first MiB whatever programs and libraries this machine has. */
async function writeDisk(path: string): Promise<void> {
  await using disk = await open(path, 'w');
  await disk.truncate(diskBytes);
  await disk.write(Buffer.from([0x55, 0xaa]), 0, 2, 510);
  let at = mib;
  for await (const file of filesBelow('/usr')) {
    const content = (await readFile(file)).subarray(0, mib + contentBytes - at);
    await disk.write(content, 0, content.length, at);
    at += content.length;
    if (at >= mib + contentBytes) return;
  }
  throw new Error(`/usr holds less than ${contentBytes / mib} MiB of files to fill a disk image with`);
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder, { recursive: true })) {
    if (entry.isFile()) yield join(entry.parentPath, entry.name);
  }
}

/** Packs a disk as stemcells do: a tar of the one file root.img, compressed by gzip. */
async function pack(
  folder: string,
  name: string,
  write: (to: string) => [string, ...string[]],
): Promise<string> {
  const content = join(folder, `${name}.content`);
  const packed = join(folder, `${name}.image`);
  await mkdir(content);
  await runProgram(write(join(content, 'root.img')));
  await runProgram(['tar', '-czf', packed, '-C', content, 'root.img']);
  await rm(content, { recursive: true });
  return packed;
}
