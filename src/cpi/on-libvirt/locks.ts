import { shortHash } from '../../platform/ids.ts';
import type { Lock } from '../../platform/lock.ts';
import type { LibvirtHost } from './libvirt-host.ts';

/** The longest work that is done under a lock is copying an image. */
const copyTimeoutMs = 15 * 60_000;

/**
 * A lock on something in the environment's pool, held against all other processes of this machine: `name` is its CID, `purpose`
 * what it is held for. Throws LOCKED with the holder's words if the time runs out.
 */
export async function lockInPool(
  host: LibvirtHost,
  name: string,
  purpose: string,
  timeoutMs = copyTimeoutMs,
): Promise<Lock> {
  // light calls do without
  const [{ rm }, { lockFolder, takeLock }] = await Promise.all([
    import('node:fs/promises'),
    import('../../platform/lock.ts'),
  ]);
  const { uri, storagePool } = host.config;
  const path = `${lockFolder()}/${name}-${shortHash(`${uri} ${storagePool}`, 8)}.lock`;
  const lock = await takeLock(path, timeoutMs, `${purpose} ${name}`);
  return {
    ...lock,
    async [Symbol.asyncDispose]() {
      await rm(path, { force: true }); // while it is held: whoever waits for it looks again
      await lock[Symbol.asyncDispose]();
    },
  };
}
