import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { diskBytes, firstPartition } from './block-devices.ts';
import type { DiskLayout } from './disk-layout.ts';
import { isExt4 } from './ext4.ts';
import { type Filesystems, readHead } from './filesystems.ts';
import type { Log } from './log.ts';
import { partitionTable, readPartitions, sectorBytes, wholeDiskPartition } from './partition-table.ts';
import type { Places } from './places.ts';
import type { RunProgram } from './programs.ts';
import { readText, waitFor } from './small-files.ts';

/** How much of a disk must be zero for it to count as blank. */
const blankBytes = 1 << 20;
const nodeTimeoutMs = 5_000;

/** ext4 on the first partition of disks: made where there is nothing, grown where the disk has grown, never overwritten. */
export class PartitionedDisks implements DiskLayout {
  readonly #places: Places;
  readonly #files: Filesystems;
  readonly #run: RunProgram;
  readonly #log: Log;

  constructor(places: Places, files: Filesystems, run: RunProgram, log: Log) {
    this.#places = places;
    this.#files = files;
    this.#run = run;
    this.#log = log;
  }

  fileSystemOf(disk: string): string {
    return firstPartition(disk);
  }

  /**
   * A blank disk is partitioned and formatted; one that holds something else than ext4 on a first partition is an error and
   * stays as it is.
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
    if (sectors >= wanted || (await this.#files.mountPointOf(firstPartition(disk))) !== undefined) return;
    this.#log(`${disk} has grown: ${sectors} sectors in its partition become ${wanted}`);
    await this.#writeTable(disk);
    await this.#files.grow(firstPartition(disk));
  }

  async #format(partition: string): Promise<void> {
    const head = await readHead(partition, blankBytes);
    if (isExt4(head)) return;
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
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);
