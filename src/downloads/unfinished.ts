import { join } from 'node:path';
import { UserError } from '../platform/errors.ts';
import { namesIn, statIfThere } from '../platform/files.ts';
import { takeLock } from '../platform/lock.ts';
import { guardPath, PartialFile, partialPath } from './partial-file.ts';

/** A download that broke off, or goes on just now. */
export interface Unfinished {
  readonly key: string;
  readonly address: string;
  readonly bytes: number;
  /** When the last of it came. */
  readonly changed: Date;
}

export async function listUnfinished(cacheFolder: string): Promise<Unfinished[]> {
  const names = await namesIn(join(cacheFolder, 'partial'));
  const keys = names.filter((name) => !name.includes('.'));
  return await Promise.all(
    keys.map(async (key) => {
      const partial = new PartialFile(partialPath(cacheFolder, key));
      const address = (await partial.address()) ?? 'an unknown address';
      const stats = await statIfThere(partial.path); // it may have been finished by now
      return { key, address, bytes: stats?.size ?? 0, changed: stats?.mtime ?? new Date() };
    }),
  );
}

/** Deletes it, unless somebody works on it: false then. */
export async function dropUnfinished(cacheFolder: string, { key }: Unfinished): Promise<boolean> {
  try {
    await using _lock = await takeLock(guardPath(cacheFolder, key), 0, 'boshvirt cache prune');
    await new PartialFile(partialPath(cacheFolder, key)).discard();
    return true;
  } catch (error) {
    if (error instanceof UserError && error.code === 'LOCKED') return false;
    throw error;
  }
}
