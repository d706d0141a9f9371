import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { vi } from 'vitest';
import { DownloadCache } from '../../../../src/downloads/index.ts';
import { downloadLock } from '../../../../src/environment/download-lock.ts';
import { type Content, content, serves } from '../../../support/faulty-server.ts';
import { type FetchScene, fetchScene } from '../../downloads/fetch-scene.ts';

/** A user with a home of their own, who fetched `one` for the environment `work` and `two` for nobody. */
export interface CachedScene extends FetchScene {
  readonly one: Content;
  readonly two: Content;
  readonly cache: DownloadCache;
  /** Makes all downloads look as if they had not been used for so long. */
  age(ms: number): Promise<void>;
}

export async function cachedScene(): Promise<CachedScene> {
  const scene = await fetchScene();
  const home = join(scene.cacheDir, 'home');
  await mkdir(home);
  for (const name of ['XDG_CACHE_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME'])
    vi.stubEnv(name, scene.cacheDir);
  vi.stubEnv('HOME', home);
  const cacheDir = join(scene.cacheDir, 'boshvirt');
  const [one, two] = [content(3000), content(2000)];
  const lock = { ...(await downloadLock('work')), part: 'director' };
  const first = { name: 'release one/1', urls: [scene.server.on('/one', serves(one))] as const };
  await scene.fetch(first, { cacheDir, lock });
  await scene.fetch({ name: 'release two/2', urls: [scene.server.on('/two', serves(two))] }, { cacheDir });
  const cache = new DownloadCache(cacheDir);
  return {
    ...scene,
    one,
    two,
    cache,
    async age(ms) {
      const then = new Date(Date.now() - ms);
      for (const { path } of await cache.list()) await utimes(`${path}.json`, then, then);
    },
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      vi.unstubAllEnvs();
    },
  };
}

/** Puts a part of a download into the cache, as a killed run leaves it. */
export async function leavePart(cache: DownloadCache, address: string): Promise<string> {
  const path = join(cache.folder, 'partial', 'a'.repeat(40));
  await mkdir(join(cache.folder, 'partial'), { recursive: true });
  await writeFile(`${path}.json`, JSON.stringify({ address }));
  await writeFile(path, 'some of it');
  return path;
}
