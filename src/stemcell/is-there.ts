import { stat } from 'node:fs/promises';
import { errnoOf } from '../platform/errors.ts';

/** Whether a path leads to anything. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
