import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { errnoOf, messageOf, ToolError, UserError } from '../../platform/errors.ts';
import { isMap, type NodeMap, readYaml } from '../template/index.ts';

type Entry = ReturnType<typeof extract> extends AsyncIterable<infer E> ? E : never;

const chunkBytes = 1 << 20;
/** A stemcell.MF has a few kB; a tarball from somewhere else need not fill our memory. */
const longestManifestBytes = 1 << 20;

/** What stemcell.MF says (contract 3). */
export interface StemcellFacts {
  readonly name: string;
  readonly version: string;
  readonly apiVersion: number;
  readonly cloudProperties: NodeMap;
  /** SHA-1 of `image`. */
  readonly imageSha1: string | undefined;
}

/** The `image` file of a stemcell, as create_stemcell is handed it; dispose of it to delete it. */
export interface UnpackedImage extends AsyncDisposable {
  readonly path: string;
}

/**
 * A stemcell tarball. Methods throw a UserError that names the file and says what is wrong with it: CHECKSUM if it is
 * damaged, cut off or another file than the manifest means.
 */
export class StemcellArchive {
  readonly path: string;
  readonly #digest: string | undefined;
  readonly #signal: AbortSignal;

  /** `digest` is what the manifest says under `sha1`. */
  constructor(path: string, digest: string | undefined, signal: AbortSignal) {
    this.path = path;
    this.#digest = digest;
    this.#signal = signal;
  }

  /** Reads stemcell.MF, which lies at the beginning, and no further. */
  async facts(): Promise<StemcellFacts> {
    let facts: StemcellFacts | undefined;
    await this.#read([], async (entry, name) => {
      if (name !== 'stemcell.MF') return 'on';
      facts = factsIn(await textOf(entry), this.path);
      return 'enough';
    });
    if (facts) return facts;
    throw this.#unusable('USAGE', 'it holds no stemcell.MF: this is not a BOSH stemcell');
  }

  /** Compares the whole file with the manifest's digest, if it names one. */
  async verify(): Promise<void> {
    const wanted = this.#wanted();
    if (!wanted) return;
    await this.#guard(async () => {
      for await (const chunk of this.#open()) wanted.hash.update(chunk);
    });
    this.#compare(wanted);
  }

  /** Unpacks the image below `workDir` in one pass over the file, comparing its digests on the way. */
  async unpack(workDir: string): Promise<UnpackedImage> {
    // one name for all runs: what a killed run left goes first
    const folder = join(workDir, 'stemcell');
    const remove = async () => await rm(folder, { recursive: true, force: true });
    await remove();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const path = join(folder, 'image');
      await this.#unpackTo(path);
      return { path, [Symbol.asyncDispose]: remove };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async #unpackTo(path: string): Promise<void> {
    const wanted = this.#wanted();
    const image = createHash('sha1');
    let facts: StemcellFacts | undefined;
    let hasImage = false;
    await this.#read(wanted ? [wanted.hash] : [], async (entry, name) => {
      if (name === 'stemcell.MF') facts = factsIn(await textOf(entry), this.path);
      else if (name === 'image') {
        hasImage = true;
        await pipeline(
          entry as unknown as Readable,
          hashing([image]),
          createWriteStream(path, { mode: 0o600 }),
        );
      } else entry.resume();
      return 'on';
    });
    if (wanted) this.#compare(wanted);
    if (!facts || !hasImage)
      throw this.#unusable(
        'USAGE',
        `it holds no ${facts ? 'image' : 'stemcell.MF'}: this is not a BOSH stemcell`,
      );
    const sum = image.digest('hex');
    if (facts.imageSha1 !== undefined && facts.imageSha1 !== sum)
      throw this.#unusable('CHECKSUM', `its image has SHA-1 ${sum}, stemcell.MF says ${facts.imageSha1}`);
  }

  /** Reads the tar's entries; `visit` has to take in each, until it has enough. */
  async #read(
    hashes: readonly Hash[],
    visit: (entry: Entry, name: string) => Promise<'on' | 'enough'>,
  ): Promise<void> {
    await this.#guard(async () => {
      const stop = new AbortController();
      const entries = extract();
      const unpacking = pipeline(
        this.#open(),
        hashing(hashes),
        createGunzip({ chunkSize: chunkBytes }),
        entries as unknown as Writable,
        { signal: stop.signal },
      );
      const visiting = (async () => {
        for await (const entry of entries) {
          if ((await visit(entry, entry.header.name.replace(/^\.\//, ''))) === 'on') entry.resume();
          else return stop.abort();
        }
      })();
      const [read, visited] = await Promise.allSettled([unpacking, visiting]);
      if (visited.status === 'rejected')
        throw read.status === 'rejected' ? firstCause(read, visited) : visited.reason;
      if (read.status === 'rejected' && !stop.signal.aborted) throw read.reason;
    });
  }

  async *#open(): AsyncGenerator<Buffer> {
    const options = { highWaterMark: chunkBytes, signal: this.#signal };
    yield* createReadStream(this.path, options) as AsyncIterable<Buffer>;
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof UserError) throw error;
      const code = errnoOf(error);
      if (code === 'ENOENT') throw this.#unusable('USAGE', 'there is no such file', error);
      if (code === 'ENOSPC')
        throw new ToolError('NO_RESOURCES', `No space is left to unpack ${this.path}`, { cause: error });
      if (code === 'EACCES' || code === 'EISDIR') throw this.#unusable('USAGE', messageOf(error), error);
      throw this.#unusable('CHECKSUM', `it is damaged or cut off (${messageOf(error)})`, error);
    }
  }

  /** The strongest of the manifest's digests, with a hash to compute it. */
  #wanted(): { algorithm: string; digest: string; hash: Hash } | undefined {
    const digests = (this.#digest ?? '').split(';').filter((digest) => digest !== '');
    for (const algorithm of ['sha512', 'sha256', 'sha1']) {
      const found = digests.find((digest) =>
        digest.includes(':') ? digest.startsWith(`${algorithm}:`) : algorithm === 'sha1',
      );
      if (found)
        return { algorithm, digest: found.replace(/^.*:/, '').toLowerCase(), hash: createHash(algorithm) };
    }
    return undefined;
  }

  #compare({ algorithm, digest, hash }: { algorithm: string; digest: string; hash: Hash }): void {
    const sum = hash.digest('hex');
    if (sum !== digest)
      throw this.#unusable(
        'CHECKSUM',
        `its ${algorithm.toUpperCase()} is ${sum}, the manifest says ${digest}`,
      );
  }

  #unusable(code: 'USAGE' | 'CHECKSUM', why: string, cause?: unknown): UserError {
    return unusable(this.path, code, why, cause);
  }
}

/** The failure that made the other: a broken source breaks the reader with a vaguer error, and a full disk the source. */
function firstCause(read: PromiseRejectedResult, visited: PromiseRejectedResult): unknown {
  if (visited.reason instanceof UserError || errnoOf(visited.reason) === 'ENOSPC') return visited.reason;
  return read.reason;
}

function factsIn(text: string, path: string): StemcellFacts {
  const manifest = readYaml(text, `stemcell.MF of ${path}`);
  if (!isMap(manifest) || manifest.name === undefined || manifest.version === undefined)
    throw unusable(path, 'USAGE', 'its stemcell.MF has no name and version');
  const { name, version, api_version: apiVersion, cloud_properties: properties = null, sha1 } = manifest;
  return {
    name: String(name),
    version: String(version),
    apiVersion: Number(apiVersion ?? 1),
    cloudProperties: isMap(properties) ? properties : {},
    imageSha1: typeof sha1 === 'string' && /^[0-9a-f]{40}$/.test(sha1) ? sha1 : undefined,
  };
}

async function textOf(entry: Entry): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of entry as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > longestManifestBytes) throw new Error('stemcell.MF is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function hashing(hashes: readonly Hash[]) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      for (const hash of hashes) hash.update(chunk);
      yield chunk;
    }
  };
}

function unusable(path: string, code: 'USAGE' | 'CHECKSUM', why: string, cause?: unknown): UserError {
  return new UserError(code, `The stemcell ${path} cannot be used: ${why}`, {
    cause,
    hints: code === 'CHECKSUM' ? ['download the file again and compare its checksum'] : [],
  });
}
