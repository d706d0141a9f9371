import { join } from 'node:path';
import { isThere, namesIn, readTextIfThere, writeFileAtomic } from '../platform/files.ts';
import { shortHash } from '../platform/ids.ts';
import { type LockFile, readLockFile } from './lock-file.ts';

const folderIn = (cacheFolder: string): string => join(cacheFolder, 'lock-files');

/** Has later prunes of the cache know that this lock file needs what is in it, wherever it lies. */
export async function rememberLockFile(path: string, cacheFolder: string): Promise<void> {
  const note = join(folderIn(cacheFolder), shortHash(path, 40));
  if (!(await isThere(note))) await writeFileAtomic(note, path);
}

/** The lock files that were ever used with this cache and are there still. */
export async function knownLockFiles(cacheFolder: string): Promise<{ path: string; file: LockFile }[]> {
  const folder = folderIn(cacheFolder);
  const notes = await namesIn(folder);
  const paths = await Promise.all(notes.map((note) => readTextIfThere(join(folder, note))));
  const files = await Promise.all(
    paths.map(async (path = '') => ({ path, file: path === '' ? undefined : await readLockFile(path) })),
  );
  return files.flatMap(({ path, file }) => (file === undefined ? [] : [{ path, file }]));
}
