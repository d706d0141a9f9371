import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { diskBytes, firstPartition } from './block-devices.ts';
import type { Log } from './log.ts';
import { partitionTable, readPartitions, sectorBytes, wholeDiskPartition } from './partition-table.ts';
import type { Places } from './places.ts';
import type { RunProgram } from './programs.ts';
import { readText, waitFor } from './small-files.ts';

/** How much of a disk must be zero for it to count as blank. */
const blankBytes = 1 << 20;
const ext4MagicAt = 0x438;
const ext4Magic = 0xef53;
const nodeTimeoutMs = 5_000;

/** ext4 on the first partition of disks: made where there is nothing, grown where the disk has grown, never overwritten. */
export class Filesystems {
  readonly #places: Places;
  readonly #run: RunProgram;
  readonly #log: Log;

  constructor(places: Places, run: RunProgram, log: Log) {
    this.#places = places;
    this.#run = run;
    this.#log = log;
  }

  /**
   * Gives the partition of `disk` that holds its file system. A blank disk is partitioned and formatted; one that holds
   * something else than ext4 on a first partition is an error and stays as it is.
   */
  async prepare(disk: string): Promise<string> {
    const partition = firstPartition(disk);
    const head = await readHead(disk, blankBytes);
    const partitions = readPartitions(head);
    if (partitions === undefined) {
      if (!isZero(head))
        throw new Error(`${disk} holds something that is no partition table: it is left as it is`);
      this.#log(`${disk} is blank: making a partition`);
      await this.#writeTable(disk);
    } else if (partitions.length === 1) {
      await this.#growPartition(disk, partitions[0]?.sectors ?? 0);
    } else {
      throw new Error(`${disk} has ${partitions.length} partitions, one is expected: it is left as it is`);
    }
    await this.#format(partition);
    return partition;
  }

  async #writeTable(disk: string): Promise<void> {
    const wanted = wholeDiskPartition(await diskBytes(disk, this.#places));
    await using file = await open(disk, 'r+');
    await file.write(partitionTable(wanted), 0, sectorBytes, 0);
    await file.sync();
    await file.close();
    await this.#run(['blockdev', '--rereadpt', disk]);
    const partition = firstPartition(disk);
    const there = () =>
      readText(join(this.#places.sys, 'class', 'block', partition.split('/').at(-1) ?? '', 'size'));
    if ((await waitFor(there, nodeTimeoutMs)) === undefined)
      throw new Error(`the kernel shows no ${partition} after partitioning`);
  }

  async #growPartition(disk: string, sectors: number): Promise<void> {
    const wanted = wholeDiskPartition(await diskBytes(disk, this.#places)).sectors;
    if (sectors >= wanted || (await this.mountPointOf(firstPartition(disk))) !== undefined) return;
    this.#log(`${disk} has grown: ${sectors} sectors in its partition become ${wanted}`);
    await this.#writeTable(disk);
    const partition = firstPartition(disk);
    // 1: e2fsck mended something; resize2fs refuses a file system that was not checked
    await this.#run(['e2fsck', '-f', '-p', partition], { okExitCodes: [1] });
    await this.#run(['resize2fs', partition]);
  }

  async #format(partition: string): Promise<void> {
    const head = await readHead(partition, blankBytes);
    if (head.length > ext4MagicAt + 2 && head.readUInt16LE(ext4MagicAt) === ext4Magic) return;
    if (!isZero(head)) throw new Error(`${partition} holds something that is not ext4: it is left as it is`);
    this.#log(`formatting ${partition}`);
    await this.#run([
      'mke2fs',
      '-q',
      '-t',
      'ext4',
      '-m',
      '1',
      '-E',
      'lazy_itable_init=1,lazy_journal_init=1',
      partition,
    ]);
  }

  /** Mounts a partition; doing it again is no error, another file system in its place is. */
  async mount(partition: string, folder: string): Promise<void> {
    const mounted = await this.mountedAt(folder);
    if (mounted === partition) return;
    if (mounted !== undefined) throw new Error(`${mounted} is mounted on ${folder}, ${partition} cannot be`);
    await mkdir(folder, { recursive: true });
    await this.#run(['e2fsck', '-p', partition], { okExitCodes: [1] });
    await this.#run(['mount', '-t', 'ext4', partition, folder]);
    this.#log(`${partition} is mounted on ${folder}`);
  }

  async unmount(folder: string): Promise<void> {
    await this.#run(['umount', folder]);
    this.#log(`${folder} is unmounted`);
  }

  async remount(folder: string, access: 'ro' | 'rw'): Promise<void> {
    await this.#run(['mount', '-o', `remount,${access}`, folder]);
  }

  /** The device that is mounted on a folder. */
  async mountedAt(folder: string): Promise<string | undefined> {
    return (await this.#mounts()).find((mount) => mount.folder === folder)?.device;
  }

  async mountPointOf(device: string): Promise<string | undefined> {
    return (await this.#mounts()).find((mount) => mount.device === device)?.folder;
  }

  async #mounts(): Promise<{ device: string; folder: string }[]> {
    const lines = ((await readText(join(this.#places.proc, 'mounts'))) ?? '').split('\n');
    return lines.map((line) => line.split(' ')).map(([device = '', folder = '']) => ({ device, folder }));
  }
}

async function readHead(device: string, bytes: number): Promise<Buffer> {
  await using file = await open(device, 'r');
  const head = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(head, 0, bytes, 0);
  return head.subarray(0, bytesRead);
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);
