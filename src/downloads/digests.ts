import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export interface Digests {
  readonly sha1: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Both checksums of what is fed to it, as it comes. */
export class Digester {
  readonly #sha1 = createHash('sha1');
  readonly #sha256 = createHash('sha256');
  #bytes = 0;

  update(chunk: Uint8Array): void {
    this.#sha1.update(chunk);
    this.#sha256.update(chunk);
    this.#bytes += chunk.length;
  }

  /** May be asked once. */
  digests(): Digests {
    return { sha1: this.#sha1.digest('hex'), sha256: this.#sha256.digest('hex'), bytes: this.#bytes };
  }
}

/** A digester that has seen the file's content. */
export async function digesterOf(path: string, signal?: AbortSignal): Promise<Digester> {
  const digester = new Digester();
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
  for await (const chunk of stream) digester.update(chunk as Buffer);
  return digester;
}

export const digestFile = async (path: string, signal?: AbortSignal): Promise<Digests> =>
  (await digesterOf(path, signal)).digests();
