import { join } from 'node:path';
import { isThere, namesIn, statIfThere } from '../platform/files.ts';
import { isYoung } from '../platform/young.ts';

/** Something in the cache that belongs to nothing: a killed process left it. */
export interface Leftover {
  readonly path: string;
  readonly bytes: number;
}

/** Half an import, a file that never got its description, a description half written. What may just be made is left out. */
export async function leftovers(cacheFolder: string): Promise<Leftover[]> {
  const imports = (await namesIn(cacheFolder)).filter((name) => name.startsWith('import-'));
  const contents = join(cacheFolder, 'sha256');
  const lone: string[] = [];
  for (const name of await namesIn(contents)) {
    const path = join(contents, name);
    if (name.endsWith('.tmp') || (!name.includes('.') && !(await isThere(`${path}.json`)))) lone.push(path);
  }
  const found = [...imports.map((name) => join(cacheFolder, name)), ...lone];
  const sized = await Promise.all(found.map(leftoverAt));
  return sized.filter((leftover) => leftover !== undefined);
}

async function leftoverAt(path: string): Promise<Leftover | undefined> {
  const stats = await statIfThere(path);
  if (!stats || isYoung(stats.mtime)) return undefined;
  if (!stats.isDirectory()) return { path, bytes: stats.size };
  const files = await Promise.all((await namesIn(path)).map((name) => statIfThere(join(path, name))));
  if (files.some((file) => file && isYoung(file.mtime))) return undefined;
  return { path, bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0) };
}
