import { DownloadCache } from '../../downloads/index.ts';
import { cacheFolder } from '../paths.ts';
import type { Caller } from '../steps/step.ts';

/** A download that was not any more what it was, and is deleted. */
export interface DamagedDownload {
  readonly name: string;
  readonly sha256: string;
  readonly why: string;
}

export interface CacheHealth {
  readonly checked: number;
  readonly bytes: number;
  readonly damaged: readonly DamagedDownload[];
}

/** Reads all downloads again, and deletes those that are damaged: the next `up` fetches them. */
export async function verifyCache({ signal, runSteps }: Caller): Promise<CacheHealth> {
  const cache = new DownloadCache(cacheFolder());
  const kept = await cache.list();
  const damaged: DamagedDownload[] = [];
  const step = {
    title: 'Read the downloads again',
    async run(_: object, say: (line: string) => void) {
      for (const [at, file] of kept.entries()) {
        signal.throwIfAborted();
        const name = file.names[0] ?? file.sha256;
        say(`${at + 1} of ${kept.length}: ${name}`);
        const why = await cache.verify(file, signal);
        if (why !== undefined) damaged.push({ name, sha256: file.sha256, why });
      }
    },
  };
  if (kept.length > 0) await runSteps([step], {});
  return { checked: kept.length, bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0), damaged };
}
