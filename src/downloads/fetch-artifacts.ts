import { allEnded } from '../platform/all-ended.ts';
import { isRemote } from './address.ts';
import type { Artifact, Fetched } from './artifact.ts';
import { DownloadCache } from './download-cache.ts';
import { notCached } from './errors.ts';
import { type FetchTools, fetchArtifact } from './fetch-artifact.ts';
import { fetchLocked } from './fetch-locked.ts';
import { type FetchOptions, usualPatience } from './fetch-options.ts';
import type { HttpSource } from './http-source.ts';
import { Progress } from './progress.ts';
import { Setback } from './setback.ts';

/** More gain nothing on a usual line, and servers count connections. */
const atOnce = 4;

/**
 * Brings the artifacts onto this machine and gives them in the order in which they were asked for. Throws OFFLINE naming all that are
 * missing, CHECKSUM if what offers one serves another file than its checksums or the lock file say, DOWNLOAD if one cannot be had. One failure stops the others; what
 * has come of them stays for the next call.
 */
export async function fetchArtifacts(
  artifacts: readonly Artifact[],
  options: FetchOptions,
): Promise<Fetched[]> {
  const { lock } = options;
  if (!lock) return await fetchAll(artifacts, options);
  const { folder } = new DownloadCache(options.cacheDir);
  const refresh = lock.update || (options.refresh ?? false);
  return await fetchLocked(artifacts, lock, folder, (wanted) => fetchAll(wanted, { ...options, refresh }));
}

async function fetchAll(artifacts: readonly Artifact[], options: FetchOptions): Promise<Fetched[]> {
  const cache = new DownloadCache(options.cacheDir);
  if (options.offline) await refuseMissing(artifacts, cache);
  const patience = { ...usualPatience, ...options.patience };
  const tell = options.onProgress ?? (() => {});
  await using sources = new Sources(patience.stallMs, options.offline);
  using progress = new Progress(artifacts, tell);
  const failed = new AbortController();
  const { log, refresh = false } = options;
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const tools: FetchTools = {
    cache,
    progress,
    patience,
    refresh,
    log,
    signal,
    tell,
    source: () => sources.http(),
  };
  const fetched: Fetched[] = [];
  const queue = artifacts.entries();
  const work = async () => {
    for (const [at, artifact] of queue) {
      signal.throwIfAborted();
      fetched[at] = await fetchArtifact(artifact, tools);
    }
  };
  const workers = Array.from({ length: Math.min(atOnce, artifacts.length) }, () =>
    work().catch((error: unknown) => {
      failed.abort(error);
      throw error;
    }),
  );
  await allEnded(workers).catch(() => signal.throwIfAborted());
  return fetched;
}

async function refuseMissing(artifacts: readonly Artifact[], cache: DownloadCache): Promise<void> {
  const remote = artifacts.filter(({ urls }) => urls.every(isRemote));
  const found = await Promise.all(remote.map((artifact) => cache.find(artifact)));
  const missing = remote.filter((_, at) => found[at] === undefined);
  if (missing.length > 0) throw notCached(missing);
}

/** HTTP is loaded where something has to be fetched: mostly nothing has. */
class Sources implements AsyncDisposable {
  readonly #stallMs: number;
  readonly #offline: boolean;
  #http: Promise<HttpSource> | undefined;

  constructor(stallMs: number, offline: boolean) {
    this.#stallMs = stallMs;
    this.#offline = offline;
  }

  async http(): Promise<HttpSource> {
    if (this.#offline) throw new Setback('final', 'is not asked: nothing may be fetched');
    this.#http ??= import('./http-source.ts').then(({ HttpSource }) => new HttpSource(this.#stallMs));
    return await this.#http;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#http)?.[Symbol.asyncDispose]();
  }
}
