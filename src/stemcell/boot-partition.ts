import { utimes, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { run } from '../platform/process.ts';

export interface BootPartitionOptions {
  /** Root of the unpacked packages mtools, dosfstools and syslinux. */
  readonly tools: string;
  readonly workFolder: string;
  readonly sizeMb: number;
  readonly files: Readonly<Record<'vmlinuz' | 'initrd.gz' | 'syslinux.cfg', Uint8Array>>;
  readonly signal?: AbortSignal | undefined;
}

const epoch = 1_700_000_000;

/** Writes a FAT partition with syslinux and the files to the new file `path`: no mount, no root, no loop device. */
export async function writeBootPartition(path: string, options: BootPartitionOptions): Promise<void> {
  const { tools, workFolder, sizeMb, files, signal } = options;
  const folders = ['usr/bin', 'usr/sbin', 'sbin'].map((folder) => join(tools, folder));
  const env = {
    PATH: [...folders, process.env.PATH ?? ''].join(delimiter),
    SOURCE_DATE_EPOCH: String(epoch),
    MTOOLS_SKIP_CHECK: '1',
    TZ: 'UTC',
    TMPDIR: workFolder, // a syslinux that is killed leaves a folder behind
  };
  const start = { env, signal };
  await run(
    ['mkfs.fat', '--invariant', '-F', '16', '-n', 'PROBEBOOT', '-C', path, String(sizeMb * 1024)],
    start,
  );
  for (const [name, content] of Object.entries(files)) {
    const source = join(workFolder, name);
    await writeFile(source, content);
    await utimes(source, epoch, epoch);
    await run(['mcopy', '-m', '-i', path, source, `::${name}`], start);
  }
  await run(['syslinux', '--install', path], start);
}
