import { LibvirtError, type Pool } from '../../clients/libvirt/index.ts';
import { waitFor } from '../../platform/retry.ts';
import { CloudError } from '../errors.ts';
import type { LibvirtHost } from './libvirt-host.ts';

const bytesPerMb = 1024 * 1024;
/** Sparse volumes are made in any pool; with less than this free the first writes of a guest would stop it. */
const leastFreeBytes = 64 * bytesPerMb;

/** Volumes are made in well under this; an upload keeps nobody from refreshing (libvirt-spikes.md 7). */
const refreshTimeoutMs = 10_000;

/**
 * What is free in a pool. libvirt looks at the disk only when a pool is refreshed and guesses in between, so that a pool
 * once full would be full for ever: it is refreshed before less than `wantedBytes` is believed.
 */
export async function freeBytes(pool: Pool, wantedBytes: number): Promise<number> {
  const { availableBytes } = await pool.info();
  if (availableBytes >= wantedBytes) return availableBytes;
  await refreshPool(pool);
  return (await pool.info()).availableBytes;
}

/** Reads the pool's folder again, as soon as nobody makes a volume there: libvirt 9 refuses it till then. */
export async function refreshPool(pool: Pool): Promise<void> {
  const refreshed = await waitFor(
    async () => {
      try {
        await pool.refresh();
        return true;
      } catch (error) {
        if (isBusy(error)) return undefined;
        throw error;
      }
    },
    { timeoutMs: refreshTimeoutMs },
  );
  if (!refreshed) await pool.refresh(); // throws what keeps it
}

const isBusy = (error: unknown): boolean =>
  error instanceof LibvirtError && /asynchronous jobs running/.test(error.message);

/**
 * Throws NoDiskSpace if a pool, the environment's unless another one is given, is full: libvirt makes sparse volumes there
 * without a word (libvirt-spikes.md 7).
 */
export async function refuseFullPool(host: LibvirtHost, other?: Pool): Promise<void> {
  const pool = other ?? (await host.pool());
  const availableBytes = await freeBytes(pool, leastFreeBytes);
  if (availableBytes >= leastFreeBytes) return;
  const free = Math.floor(availableBytes / bytesPerMb);
  throw new CloudError('NoDiskSpace', `Storage pool '${pool.name}' has ${free} MiB free`, {
    hints: ['free space in the storage pool, or use a larger one'],
  });
}

/** Throws NoDiskSpace unless the environment's pool has room for this much; `what` needs it, at the start of a sentence. */
export async function requireFreeBytes(host: LibvirtHost, neededBytes: number, what: string): Promise<void> {
  const pool = await host.pool();
  const availableBytes = await freeBytes(pool, neededBytes + leastFreeBytes);
  if (availableBytes >= neededBytes + leastFreeBytes) return;
  const [needed, free] = [Math.ceil(neededBytes / bytesPerMb), Math.floor(availableBytes / bytesPerMb)];
  throw new CloudError(
    'NoDiskSpace',
    `${what} needs ${needed} MiB, storage pool '${pool.name}' has ${free} MiB free`,
    {
      hints: [
        `free space in the storage pool, or use a larger one; ${leastFreeBytes / bytesPerMb} MiB are kept for running VMs`,
      ],
    },
  );
}
