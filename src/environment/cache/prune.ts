import { rm } from 'node:fs/promises';
import {
  DownloadCache,
  dropUnfinished,
  type Leftover,
  leftovers,
  type Unfinished,
} from '../../downloads/index.ts';
import { isYoung } from '../../platform/young.ts';
import { cacheFolder } from '../paths.ts';
import { type CachedDownload, cacheContents } from './contents.ts';

export interface PruneChoice {
  /** Also what environments need. */
  readonly all: boolean;
  /** Only what was not used for so long; 0: whatever its age. */
  readonly olderThanMs: number;
}

/** What a prune deletes. */
export interface CacheExcess {
  readonly downloads: readonly CachedDownload[];
  readonly unfinished: readonly Unfinished[];
  readonly leftovers: readonly Leftover[];
}

/** No set of downloads takes longer to come. */
const longestFetchMs = 24 * 3_600_000;

/**
 * What can go. What no lock file knows may just have been fetched by somebody who writes it down next: it has to be unused for some
 * minutes; while something arrives, which may belong to it and is written down together with it, for a day.
 */
export async function cacheExcess({ all, olderThanMs }: PruneChoice): Promise<CacheExcess> {
  const { folder, downloads, unfinished } = await cacheContents();
  const isOld = (date: Date) => Date.now() - date.getTime() >= olderThanMs;
  const isArriving = unfinished.some(({ changed }) => isYoung(changed));
  const mayBelong = (date: Date) => isArriving && Date.now() - date.getTime() < longestFetchMs;
  const isIdle = ({ neededBy, lastUsed }: CachedDownload) =>
    neededBy.length === 0 && !isYoung(lastUsed) && !mayBelong(lastUsed);
  return {
    downloads: downloads.filter((download) => (all || isIdle(download)) && isOld(download.lastUsed)),
    unfinished: unfinished.filter(({ changed }) => isOld(changed)),
    leftovers: await leftovers(folder),
  };
}

export const excessBytes = ({ downloads, unfinished, leftovers: left }: CacheExcess): number =>
  [...downloads, ...unfinished, ...left].reduce((sum, { bytes }) => sum + bytes, 0);

/** Deletes it, but for downloads that go on just now. Gives how many bytes went. */
export async function dropExcess(excess: CacheExcess): Promise<number> {
  const cache = new DownloadCache(cacheFolder());
  for (const { sha256 } of excess.downloads) await cache.drop(sha256);
  for (const { path } of excess.leftovers) await rm(path, { recursive: true, force: true });
  const dropped: Unfinished[] = [];
  for (const each of excess.unfinished) if (await dropUnfinished(cache.folder, each)) dropped.push(each);
  return excessBytes({ ...excess, unfinished: dropped });
}
