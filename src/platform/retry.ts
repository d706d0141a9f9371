import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  timeoutMs: number;
  intervalMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Asks `probe` until it gives something other than undefined; gives undefined once `timeoutMs` have passed.
 * An error of the probe ends the wait, and so does the signal.
 */
export async function waitFor<T>(
  probe: () => Promise<T | undefined>,
  options: WaitOptions,
): Promise<T | undefined> {
  const end = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() >= end) return undefined;
    await pause(options.intervalMs ?? 100, options.signal);
  }
}

/** Sleeps; an aborted signal ends the sleep by throwing the signal's reason. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
