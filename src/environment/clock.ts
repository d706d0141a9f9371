import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { run } from '../platform/process.ts';
import { sshArgv } from './ssh.ts';

/**
 * Sets the clock of a machine that was away: it believes that no time went by, while its hardware clock, the hypervisor's, has gone
 * on (libvirt-spikes.md 5). Some stemcells have no program that reads that one: they are told the time. false for a machine that
 * cannot be told either, and goes on with the clock that it has.
 */
export async function setClock(name: string, log: Log, signal: AbortSignal): Promise<boolean> {
  try {
    await run(await sshArgv(name, [clockCommand()]), { timeoutMs: 30_000, signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    log.warn(`the machine's clock may be late: ${messageOf(error)}`);
    return false;
  }
}

/** For a shell of the guest's, now. */
export const clockCommand = (): string =>
  `sudo -n hwclock -s -u || sudo -n date -u -s @${Math.round(Date.now() / 1000)}`;
