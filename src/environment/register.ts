import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from '../platform/lock.ts';
import { environmentsFolder } from './paths.ts';

/** Removing a private host with large disks takes its time. */
const timeoutMs = 120_000;

/**
 * Does `act` while no environment of this user begins or ends: what holds for all of them together, ranges that do not overlap
 * and a private host as long as somebody lives on it, is looked at and acted on in here. Throws LOCKED after two minutes.
 */
export async function whileNoneComesOrGoes<T>(purpose: string, act: () => Promise<T>): Promise<T> {
  await using lock = await takeLock(join(environmentsFolder(), '.register.lock'), timeoutMs, purpose);
  try {
    return await act();
  } finally {
    await rm(lock.path, { force: true }); // while it is held: whoever comes next makes one of its own
  }
}
