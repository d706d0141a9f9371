import { shortHash } from '../../../platform/ids.ts';
import type { LibvirtHost } from '../libvirt-host.ts';

const timeoutMs = 120_000;

/**
 * Waits until no other process does `purpose` to `what` of this libvirt. The lock's file goes with the lock: networks come and go,
 * and whoever waits for a file that was removed looks for a new one (platform/lock.ts).
 */
export async function lockOnHost(
  { config }: LibvirtHost,
  what: string,
  purpose: string,
): Promise<AsyncDisposable> {
  // loaded here: calls that need no lock are not to pay for it
  const [{ rm }, { lockFolder, takeLock }] = await Promise.all([
    import('node:fs/promises'),
    import('../../../platform/lock.ts'),
  ]);
  const path = `${lockFolder()}/network-${shortHash(`${config.uri} ${what}`, 16)}.lock`;
  const lock = await takeLock(path, timeoutMs, purpose);
  return {
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true });
      await lock[Symbol.asyncDispose]();
    },
  };
}
