import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { SourceFile } from './source-file.ts';

/** All files of a folder of sources. */
export async function readFolder(folder: string): Promise<SourceFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return await Promise.all(
    files.map(async (entry): Promise<SourceFile> => {
      const place = join(entry.parentPath, entry.name);
      const path = relative(folder, place);
      if (entry.isSymbolicLink())
        return { path, mode: '120000', content: Buffer.from(await readlink(place)) };
      const { mode } = await lstat(place);
      return { path, mode: mode & 0o100 ? '100755' : '100644', content: await readFile(place) };
    }),
  );
}

/** Lays files into a folder that does not exist yet. Links come last: no file is written through one. */
export async function writeFolder(folder: string, files: readonly SourceFile[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const isLink = ({ mode }: SourceFile) => mode === '120000';
  for (const { path, mode, content } of files.filter((file) => !isLink(file))) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, content, { flag: 'wx' });
    await chmod(place, mode === '100755' ? 0o755 : 0o644);
  }
  for (const { path, content } of files.filter(isLink)) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true });
    await symlink(content.toString(), place);
  }
}
