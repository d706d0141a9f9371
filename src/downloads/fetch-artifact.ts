import { rm } from 'node:fs/promises';
import { formatDuration } from '../platform/amounts.ts';
import { shortHash } from '../platform/ids.ts';
import { isRemote, localPath, shownAddress } from './address.ts';
import type { Artifact, Fetched } from './artifact.ts';
import type { Digests } from './digests.ts';
import { type DownloadTools, download } from './download.ts';
import type { DownloadCache } from './download-cache.ts';
import { guardPath, PartialFile, partialPath } from './partial-file.ts';
import type { Progress } from './progress.ts';
import { waitForLock } from './wait-for-lock.ts';

/** What the downloads of one call share. */
export interface FetchTools extends Omit<DownloadTools, 'partial' | 'meter'> {
  readonly cache: DownloadCache;
  readonly progress: Progress;
  readonly refresh: boolean;
}

/**
 * One artifact: from the cache, else downloaded into it; a file of this machine stays where it is. Of two processes that
 * want the same address at once, one downloads and the other finds it in the cache then.
 */
export async function fetchArtifact(artifact: Artifact, tools: FetchTools): Promise<Fetched> {
  const { cache } = tools;
  const key = shortHash(shownAddress(artifact.urls[0]), 40);
  const partial = new PartialFile(partialPath(cache.folder, key));
  if (!artifact.urls.some(isRemote)) return await obtain(artifact, partial, tools);
  const known = await fromCache(artifact, tools);
  if (known) return known;
  await using lock = await waitForLock(guardPath(cache.folder, key), artifact.name, tools);
  const fetched = (await fromCache(artifact, tools)) ?? (await obtain(artifact, partial, tools));
  await rm(lock.path, { force: true });
  return fetched;
}

/** A checksum leaves no doubt; an address may have something new. */
async function fromCache(
  artifact: Artifact,
  { cache, progress, refresh }: FetchTools,
): Promise<Fetched | undefined> {
  const mayBeNew = artifact.sha256 === undefined && artifact.sha1 === undefined;
  const kept = refresh && mayBeNew ? undefined : await cache.find(artifact);
  if (!kept) return undefined;
  await cache.use(kept, artifact.name);
  progress.cached(artifact, kept.bytes);
  return fetchedOf(artifact, kept.path, kept);
}

async function obtain(artifact: Artifact, partial: PartialFile, tools: FetchTools): Promise<Fetched> {
  const { cache, progress } = tools;
  const start = performance.now();
  const { address, ...digests } = await download(artifact, {
    ...tools,
    partial,
    meter: progress.meter(artifact),
  });
  if (!isRemote(address)) {
    progress.done(artifact, digests.bytes, 'on this machine');
    return fetchedOf(artifact, localPath(address), digests);
  }
  const source = { address: shownAddress(address), at: Date.now() };
  const kept = await cache.keep(partial.path, digests, artifact.name, [source]);
  await partial.discard();
  progress.done(artifact, kept.bytes, `in ${formatDuration(performance.now() - start)}`);
  return fetchedOf(artifact, kept.path, kept);
}

const fetchedOf = (artifact: Artifact, path: string, { sha1, sha256, bytes }: Digests): Fetched => ({
  artifact,
  path,
  sha1,
  sha256,
  bytes,
});
