import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isThere } from '../../platform/files.ts';

export interface FreeSpace {
  /** The folder that was asked for or, where it is not there yet, the first above it that is. */
  readonly place: string;
  readonly freeMb: number;
}

/** What a user may still write where the folder is or will be. */
export async function freeSpace(folder: string): Promise<FreeSpace> {
  const place = await nearestThere(folder);
  const { bavail, bsize } = await statfs(place);
  return { place, freeMb: Math.floor((bavail * bsize) / 1024 ** 2) };
}

async function nearestThere(folder: string): Promise<string> {
  return folder === dirname(folder) || (await isThere(folder)) ? folder : await nearestThere(dirname(folder));
}
