import type { DiskLayout } from './disk-layout.ts';
import { ext4Size, isExt4, superblockEnd } from './ext4.ts';
import { type Filesystems, readHead } from './filesystems.ts';
import type { Log } from './log.ts';
import type { RunProgram } from './programs.ts';

/** Disks that a CPI hands over with a file system on the whole of them: taken as they are, and grown with the disk. */
export class PreformattedDisks implements DiskLayout {
  readonly #files: Filesystems;
  readonly #run: RunProgram;
  readonly #log: Log;

  constructor(files: Filesystems, run: RunProgram, log: Log) {
    this.#files = files;
    this.#run = run;
    this.#log = log;
  }

  fileSystemOf(disk: string): string {
    return disk;
  }

  async prepare(disk: string): Promise<string> {
    const head = await readHead(disk, superblockEnd);
    if (!isExt4(head))
      throw new Error(
        `${disk} holds no ext4 file system, and the CPI is to make it (UsePreformattedPersistentDisk)`,
      );
    if ((await this.#files.mountPointOf(disk)) === undefined) await this.#grow(disk, ext4Size(head));
    return disk;
  }

  async #grow(disk: string, { blockBytes, bytes }: { blockBytes: number; bytes: number }): Promise<void> {
    const diskBytes = Number(await this.#run(['blockdev', '--getsize64', disk]));
    if (diskBytes - bytes < blockBytes) return;
    this.#log(`${disk} has grown: ${bytes} bytes of file system become ${diskBytes}`);
    await this.#files.grow(disk);
  }
}
