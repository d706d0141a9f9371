import { allEnded } from '../platform/all-ended.ts';
import { isRemote } from './address.ts';
import type { Artifact, Fetched } from './artifact.ts';
import { DownloadCache } from './download-cache.ts';
import { notCached } from './errors.ts';
import { fetchArtifact } from './fetch-artifact.ts';
import { type FetchOptions, usualPatience } from './fetch-options.ts';
import type { HttpSource } from './http-source.ts';
import { Progress } from './progress.ts';
import { Setback } from './setback.ts';

/** More gain nothing on a usual line, and servers count connections. */
const atOnce = 4;

/** Artifacts side by side, a few at a time, in the order in which they were asked for. */
export async function fetchAll(
  artifacts: readonly Artifact[],
  { cacheDir, offline, log, refresh = false, onProgress: tell = () => {}, ...options }: FetchOptions,
): Promise<Fetched[]> {
  const cache = new DownloadCache(cacheDir);
  if (offline) await refuseMissing(artifacts, cache);
  const patience = { ...usualPatience, ...options.patience };
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  await using sources = new Sources(patience.stallMs, offline);
  using progress = new Progress(artifacts, tell);
  const source = () => sources.http();
  const tools = { cache, progress, patience, refresh, log, signal, tell, source };
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
  await allEnded(workers).catch(() => signal.throwIfAborted()); // what failed first is the signal's reason
  progress.close();
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
    // one that could not be loaded was told to whoever asked for it
    await (await this.#http?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}
