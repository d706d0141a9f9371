import { stat } from 'node:fs/promises';
import { isRemote, localPath, shownAddress } from './address.ts';
import type { Artifact } from './artifact.ts';
import { DownloadCache } from './download-cache.ts';

/** Where an artifact is now. */
export interface WhereItIs {
  readonly name: string;
  /** The first of its addresses, without credentials. */
  readonly url: string;
  readonly place: 'in the cache' | 'on this machine' | 'to be fetched';
  /** undefined where nobody has said yet. */
  readonly bytes: number | undefined;
}

/** Says which artifacts `fetchArtifacts` would fetch. Nothing is asked of the network, and nothing is changed. */
export async function whatIsThere(artifacts: readonly Artifact[], cacheDir: string): Promise<WhereItIs[]> {
  const cache = new DownloadCache(cacheDir);
  return await Promise.all(artifacts.map((artifact) => whereIs(artifact, cache)));
}

async function whereIs(artifact: Artifact, cache: DownloadCache): Promise<WhereItIs> {
  const { name, urls } = artifact;
  const facts = { name, url: shownAddress(urls[0]) };
  const local = urls.find((url) => !isRemote(url));
  // one that cannot be looked at is told when it is fetched
  const file = local === undefined ? undefined : await stat(localPath(local)).catch(() => undefined);
  if (file) return { ...facts, place: 'on this machine', bytes: file.size };
  const kept = await cache.lookUp(artifact);
  return kept
    ? { ...facts, place: 'in the cache', bytes: kept.bytes }
    : { ...facts, place: 'to be fetched', bytes: artifact.bytes };
}
