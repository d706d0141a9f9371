import type { Domain } from '../../clients/libvirt/index.ts';
import type { Log } from '../../platform/log.ts';
import { waitFor } from '../../platform/retry.ts';
import { isWrongState, unlessWrongState } from './domains.ts';

/** How a backend's guests are asked to go, and started again. */
export interface RebootWay {
  /** Asks a guest that runs, once; `times` is how often that was done before. */
  ask(domain: Domain, times: number): Promise<void>;
  /** One that hears nothing, because it still boots, is asked again so often. */
  readonly askAgainMs: number;
  /** How often is looked whether it is off. */
  readonly lookMs: number;
  /** A guest that has not gone by then is stopped hard. */
  readonly timeoutMs: number;
  start(domain: Domain): Promise<void>;
}

/**
 * Asks a VM's guest to shut down and starts it again: a reset soon after a deploy leaves a real agent's files empty
 * (real-bosh/README.md 4). One that is off is started.
 */
export async function rebootDomain(domain: Domain, way: RebootWay, log: Log): Promise<void> {
  if (await domain.isActive()) await shutDown(domain, way, log);
  await way.start(domain);
}

async function shutDown(domain: Domain, way: RebootWay, log: Log): Promise<void> {
  try {
    await domain.resume().catch(unlessWrongState); // a paused guest hears nothing
    if (await askUntilOff(domain, way)) return;
    log.warn(`${domain.name} did not shut down within ${way.timeoutMs / 1000} s: it is stopped hard`);
  } catch (error) {
    if (!isWrongState(error)) throw error; // it went down by itself
  }
  await domain.destroy().catch(unlessWrongState);
}

/** A guest that still boots misses what it is asked; one that goes down minds no more. */
async function askUntilOff(domain: Domain, way: RebootWay): Promise<boolean> {
  const end = performance.now() + way.timeoutMs;
  const isOff = async () => ((await domain.isActive()) ? undefined : true);
  for (let times = 0, leftMs = way.timeoutMs; leftMs > 0; times++, leftMs = end - performance.now()) {
    await way.ask(domain, times);
    const timeoutMs = Math.min(leftMs, way.askAgainMs);
    if (await waitFor(isOff, { timeoutMs, intervalMs: way.lookMs })) return true;
  }
  return false;
}
