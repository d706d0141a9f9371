import {
  DownloadCache,
  type KeptFile,
  knownLockFiles,
  type LockFile,
  listUnfinished,
  lockedFor,
  type Unfinished,
} from '../../downloads/index.ts';
import { cacheFolder } from '../paths.ts';
import { readableRecords } from '../record.ts';

/** Who cannot do without a download. */
export interface Need {
  readonly environment: string;
  /** The lock file that says so; undefined: the environment's machine was made from it. */
  readonly lockFile?: string;
}

/** A download in the cache. */
export interface CachedDownload {
  readonly name: string;
  readonly sha1: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly path: string;
  readonly addresses: readonly string[];
  readonly lastUsed: Date;
  readonly neededBy: readonly Need[];
}

export interface CacheContents {
  readonly folder: string;
  /** The last used first. */
  readonly downloads: readonly CachedDownload[];
  readonly unfinished: readonly Unfinished[];
}

/** All that was downloaded, and which environments need it. */
export async function cacheContents(): Promise<CacheContents> {
  const cache = new DownloadCache(cacheFolder());
  const [kept, locks, records] = await Promise.all([
    cache.list(),
    knownLockFiles(cache.folder),
    readableRecords(),
  ]);
  const usedBy = (path: string): Need[] =>
    records
      .filter(({ stemcellFile }) => stemcellFile?.path === path)
      .map(({ name }) => ({ environment: name }));
  const downloads = kept.map((file) =>
    downloadOf(file, [...needsIn(locks, file.sha256), ...usedBy(file.path)]),
  );
  return { folder: cache.folder, downloads, unfinished: await listUnfinished(cache.folder) };
}

const downloadOf = (
  { names, sha1, sha256, bytes, path, sources, lastUsed }: KeptFile,
  neededBy: readonly Need[],
): CachedDownload => ({
  name: names[0] ?? sha256,
  sha1,
  sha256,
  bytes,
  path,
  addresses: sources.map(({ address }) => address),
  lastUsed,
  neededBy,
});

function needsIn(locks: readonly { path: string; file: LockFile }[], sha256: string): Need[] {
  return locks.flatMap(({ path, file }) =>
    Object.keys(file.env)
      .filter((environment) => lockedFor(file, environment).some((locked) => locked.sha256 === sha256))
      .map((environment) => ({ environment, lockFile: path })),
  );
}
