import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Artifact,
  type Fetched,
  type FetchOptions,
  fetchArtifacts,
} from '../../../src/downloads/index.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { waitFor } from '../../../src/platform/retry.ts';
import { type FaultyServer, faultyServer } from '../../support/faulty-server.ts';

/** A server, and somebody with an empty cache who fetches from it. */
export interface FetchScene extends AsyncDisposable {
  readonly server: FaultyServer;
  readonly cacheDir: string;
  /** Resolves once a part of this length lies in the cache. */
  arrival(length: number): Promise<void>;
  /** What was said to whoever waits. */
  readonly lines: readonly string[];
  fetch(artifact: Artifact, options?: Partial<FetchOptions>): Promise<Fetched>;
  fetchAll(artifacts: readonly Artifact[], options?: Partial<FetchOptions>): Promise<Fetched[]>;
  /** Names of the files in a folder of the cache. */
  filesIn(folder: string): Promise<string[]>;
}

export async function fetchScene(): Promise<FetchScene> {
  const cacheDir = await mkdtemp(join(tmpdir(), 'bv-fetch-'));
  const arrival = async (length: number) => await partArrived(cacheDir, length);
  const server = await faultyServer(arrival);
  const lines: string[] = [];
  const usual: FetchOptions = {
    cacheDir,
    offline: false,
    log: silentLog,
    signal: new AbortController().signal,
    onProgress: (line) => lines.push(line),
    patience: { attempts: 3, retryDelayMs: 1, stallMs: 20_000 },
  };
  const fetchAll = async (artifacts: readonly Artifact[], options: Partial<FetchOptions> = {}) =>
    await fetchArtifacts(artifacts, { ...usual, ...options });
  return {
    server,
    cacheDir,
    arrival,
    lines,
    fetchAll,
    fetch: async (artifact, options) => (await fetchAll([artifact], options))[0] as Fetched,
    filesIn: async (folder) => await readdir(join(cacheDir, 'downloads', folder)).catch(() => []),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(cacheDir, { recursive: true, force: true });
    },
  };
}

async function partArrived(cacheDir: string, length: number): Promise<void> {
  const folder = join(cacheDir, 'downloads', 'partial');
  const look = async () => {
    const names = await readdir(folder).catch(() => []);
    const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
    return sizes.some((stats) => stats?.size === length) || undefined;
  };
  if (!(await waitFor(look, { timeoutMs: 15_000, intervalMs: 5 })))
    throw new Error(`no part of ${length} bytes has come`);
}
