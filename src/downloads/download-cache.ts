import { chmod, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { namesIn, readTextIfThere, statIfThere, writeFileAtomic } from '../platform/files.ts';
import { takeLock } from '../platform/lock.ts';
import { parseJson } from '../platform/parse-json.ts';
import { shownAddress } from './address.ts';
import type { Artifact } from './artifact.ts';
import { difference } from './check-digests.ts';
import { type Digests, digestFile } from './digests.ts';
import { type KeptFacts, type KeptFile, keptFactsSchema } from './kept-file.ts';

const contentName = /^[0-9a-f]{64}$/;
/** Whoever writes a description holds the lock for a moment. */
const lockTimeoutMs = 60_000;
const rememberedNames = 8;

/**
 * Downloads by what they hold: `sha256/<hex>`, and beside each a description, written last. The descriptions are the index by
 * address and by SHA-1 as well: they are few, and there is nothing that they could disagree with. Safe for several processes.
 */
export class DownloadCache {
  readonly folder: string;

  /** `cacheDir`: boshvirt's cache folder. */
  constructor(cacheDir: string) {
    this.folder = join(cacheDir, 'downloads');
  }

  contentPath(sha256: string): string {
    return join(this.folder, 'sha256', sha256);
  }

  #factsPath(sha256: string): string {
    return `${this.contentPath(sha256)}.json`;
  }

  /**
   * The artifact, by its checksums or, if it has none, the last that one of its addresses served. A file that is not any more
   * what it was is deleted and not found.
   */
  async find(artifact: Artifact): Promise<KeptFile | undefined> {
    const found = await this.lookUp(artifact);
    return found && (await this.#unlessDamaged(found));
  }

  /** The same by its description alone: nobody looks whether the file is still what it was. */
  async lookUp(artifact: Artifact): Promise<KeptFile | undefined> {
    const matching = (await this.list()).filter((kept) => isThat(artifact, kept));
    const [found] = matching.sort((a, b) => servedAt(b, artifact) - servedAt(a, artifact));
    return found;
  }

  /** Takes in a whole file whose checksums are known, and who served it. It is moved, and read-only from then on. */
  async keep(from: string, digests: Digests, name: string, sources: KeptFacts['sources']): Promise<KeptFile> {
    await mkdir(join(this.folder, 'sha256'), { recursive: true, mode: 0o700 });
    await chmod(from, 0o444); // bosh's cache has it by a hard link
    await rename(from, this.contentPath(digests.sha256));
    return await this.#describe(digests, name, sources);
  }

  /** Writes down that it is used now, and as what. */
  async use(kept: KeptFile, name: string): Promise<void> {
    if (kept.names[0] === name) await utimes(this.#factsPath(kept.sha256), new Date(), new Date());
    else await this.#describe(kept, name, []);
  }

  /** All that is in it, the last used first. */
  async list(): Promise<KeptFile[]> {
    const names = await this.#contentNames();
    const found = await Promise.all(names.map((sha256) => this.#read(sha256)));
    return found
      .filter((kept) => kept !== undefined)
      .sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  }

  /** Reads a file again. Gives what is wrong with it, and deletes it then; undefined if all is well. */
  async verify(kept: KeptFile, signal?: AbortSignal): Promise<string | undefined> {
    const digests = await digestFile(kept.path, signal);
    const wrong = difference({ ...kept, name: '', urls: [''] }, digests);
    if (wrong !== undefined) await this.drop(kept.sha256);
    return wrong;
  }

  async drop(sha256: string): Promise<void> {
    await rm(this.#factsPath(sha256), { force: true });
    await rm(this.contentPath(sha256), { force: true });
  }

  async #contentNames(): Promise<string[]> {
    return (await namesIn(join(this.folder, 'sha256'))).filter((name) => contentName.test(name));
  }

  async #read(sha256: string): Promise<KeptFile | undefined> {
    const text = await readTextIfThere(this.#factsPath(sha256));
    const lastUsed = text && (await statIfThere(this.#factsPath(sha256)))?.mtime;
    if (!lastUsed) return undefined;
    const facts = z.safeParse(keptFactsSchema, parseJson(text)); // a damaged one describes nothing
    return facts.success ? { ...facts.data, path: this.contentPath(sha256), lastUsed } : undefined;
  }

  /** Copied along with the cache it has another time and is the same still. */
  async #unlessDamaged(kept: KeptFile): Promise<KeptFile | undefined> {
    const { size, mtimeMs } = await stat(kept.path);
    if (size === kept.bytes && mtimeMs === kept.changed) return kept;
    if ((await this.verify(kept)) !== undefined) return undefined;
    return await this.#describe(kept, kept.names[0] ?? '', []);
  }

  async #describe(digests: Digests, name: string, sources: KeptFacts['sources']): Promise<KeptFile> {
    const { sha1, sha256, bytes } = digests;
    await using _lock = await takeLock(
      join(this.folder, 'index.lock'),
      lockTimeoutMs,
      'boshvirt’s downloads',
    );
    const before = await this.#read(sha256);
    const { mtimeMs: changed } = await stat(this.contentPath(sha256));
    const names = [...new Set([name, ...(before?.names ?? [])])].slice(0, rememberedNames);
    const fresh = new Set(sources.map(({ address }) => address));
    const others = before?.sources.filter(({ address }) => !fresh.has(address)) ?? [];
    const facts: KeptFacts = { sha1, sha256, bytes, changed, names, sources: [...sources, ...others] };
    await writeFileAtomic(this.#factsPath(sha256), JSON.stringify(facts));
    return { ...facts, path: this.contentPath(sha256), lastUsed: new Date() };
  }
}

function isThat(artifact: Artifact, kept: KeptFile): boolean {
  if (artifact.sha256 === undefined && artifact.sha1 === undefined) return servedAt(kept, artifact) > 0;
  return difference(artifact, kept) === undefined;
}

/** When one of the artifact's addresses last served it (ms), or 0. */
function servedAt(kept: KeptFile, { urls }: Artifact): number {
  const addresses = urls.map(shownAddress);
  return Math.max(
    0,
    ...kept.sources.filter(({ address }) => addresses.includes(address)).map(({ at }) => at),
  );
}
