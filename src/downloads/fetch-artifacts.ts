import type { Artifact, Fetched } from './artifact.ts';
import { DownloadCache } from './download-cache.ts';
import { fetchAll } from './fetch-all.ts';
import { fetchLocked } from './fetch-locked.ts';
import type { FetchOptions } from './fetch-options.ts';

/**
 * Brings the artifacts onto this machine and gives them in the order in which they were asked for; one that is asked for twice is
 * fetched once. Throws OFFLINE naming all that are missing, CHECKSUM if what offers one serves another file than its checksums or the
 * lock file say, DOWNLOAD if one cannot be had. One failure stops the others; what has come of them stays for the next call.
 */
export async function fetchArtifacts(
  artifacts: readonly Artifact[],
  options: FetchOptions,
): Promise<Fetched[]> {
  const distinct = new Map(artifacts.map((artifact) => [keyOf(artifact), artifact]));
  const fetched = await fetchDistinct([...distinct.values()], options);
  const byKey = new Map(fetched.map((item) => [keyOf(item.artifact), item]));
  return artifacts.map((artifact) => ({ ...(byKey.get(keyOf(artifact)) as Fetched), artifact }));
}

const keyOf = ({ urls, sha1, sha256, bytes }: Artifact): string =>
  JSON.stringify([urls, sha1, sha256, bytes]);

async function fetchDistinct(artifacts: readonly Artifact[], options: FetchOptions): Promise<Fetched[]> {
  const { lock } = options;
  if (!lock) return await fetchAll(artifacts, options);
  const { folder } = new DownloadCache(options.cacheDir);
  const refresh = lock.update || (options.refresh ?? false);
  return await fetchLocked(artifacts, lock, folder, (wanted) => fetchAll(wanted, { ...options, refresh }));
}
