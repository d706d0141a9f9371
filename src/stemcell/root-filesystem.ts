import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolError } from '../platform/errors.ts';
import { run } from '../platform/process.ts';
import type { GuestEntry } from './guest-tree.ts';

export interface RootFilesystemOptions {
  /** For files on their way into the image. */
  readonly workFolder: string;
  readonly sizeMb: number;
  readonly signal?: AbortSignal | undefined;
}

/** Any constant serves: it is on every machine made from the stemcell anyway. */
const uuid = 'b05b0b05-7e57-4a11-8a11-b05b0b057e57';

/** Said in full, since the defaults come from a file of the machine that builds. */
const features =
  'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum';

/** All times in the image; 0 means "now" to e2fsprogs. */
const fakeTime = '1700000000';
const environment = {
  E2FSPROGS_FAKE_TIME: fakeTime,
  SOURCE_DATE_EPOCH: fakeTime,
  MKE2FS_CONFIG: '/dev/null',
  DEBUGFS_PAGER: '__none__',
};

/**
 * Writes an ext4 file system that holds `entries` to the new file `path`. Goes through debugfs, which needs neither a mount
 * nor root and says owner, mode and times of each file itself: `mke2fs -d` would copy those of the builder's files.
 */
export async function writeRootFilesystem(
  path: string,
  entries: readonly GuestEntry[],
  { workFolder, sizeMb, signal }: RootFilesystemOptions,
): Promise<void> {
  const extended = `hash_seed=${uuid},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0`;
  await run(
    [
      'mke2fs',
      '-q',
      '-F',
      '-t',
      'ext4',
      '-b',
      '4096',
      '-I',
      '256',
      '-m',
      '0',
      '-J',
      'size=4',
      '-N',
      '8192',
      '-L',
      'probe-root',
      '-U',
      uuid,
      '-O',
      features,
      '-E',
      extended,
      path,
      `${sizeMb}M`,
    ],
    { env: environment, signal },
  );
  const sources = join(workFolder, 'contents');
  await mkdir(sources, { recursive: true });
  const script: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const source = join(sources, String(index));
    if (entry.kind === 'file') await writeFile(source, entry.content);
    script.push(...debugfsCommands(entry, source));
  }
  const scriptPath = join(workFolder, 'debugfs.script');
  await writeFile(scriptPath, `${script.join('\n')}\n`);
  const { stderr } = await run(['debugfs', '-w', '-f', scriptPath, path], { env: environment, signal });
  // debugfs ends with status 0 whatever happened; besides its banner it only speaks of failures on stderr
  const complaints = stderr.split('\n').filter((line) => line !== '' && !/^debugfs \d/.test(line));
  if (complaints.length > 0)
    throw new ToolError('BUG', `debugfs could not fill ${path}:\n${complaints.slice(0, 10).join('\n')}`);
}

/** The commands that make one entry, with root's or the given owner and its exact mode. */
function debugfsCommands(entry: GuestEntry, source: string): string[] {
  const { path } = entry;
  const [parent, name] = [path.slice(0, path.lastIndexOf('/')) || '/', path.slice(path.lastIndexOf('/') + 1)];
  const mode = (type: number, bits: number) => `sif ${path} mode 0${(type | bits).toString(8)}`;
  switch (entry.kind) {
    case 'folder': {
      const owner = entry.owner ?? 0;
      return [
        `mkdir ${path}`,
        mode(0o040000, entry.mode),
        `sif ${path} uid ${owner}`,
        `sif ${path} gid ${owner}`,
      ];
    }
    case 'file':
      return [
        `cd ${parent}`,
        `write "${source}" ${name}`,
        'cd /',
        mode(0o100000, entry.mode),
        `sif ${path} uid 0`,
        `sif ${path} gid 0`,
      ];
    case 'link':
      return [`cd ${parent}`, `symlink ${name} ${entry.target}`, 'cd /'];
  }
}
