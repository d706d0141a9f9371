import { messageOf, UserError } from '../platform/errors.ts';
import { type Lock, takeLock } from '../platform/lock.ts';
import { pause } from '../platform/retry.ts';

const lookEachMs = 500;

/** Takes a lock that another process may hold for as long as a download takes; `tell` is told once who does. */
export async function waitForLock(
  path: string,
  purpose: string,
  { signal, tell }: { readonly signal: AbortSignal; tell(line: string): void },
): Promise<Lock> {
  for (let waits = 0; ; waits += 1) {
    signal.throwIfAborted();
    try {
      return await takeLock(path, 0, purpose);
    } catch (error) {
      if (!(error instanceof UserError && error.code === 'LOCKED')) throw error;
      if (waits === 0) tell(`${purpose}: waits, for ${messageOf(error)}`);
      await pause(lookEachMs, signal);
    }
  }
}
