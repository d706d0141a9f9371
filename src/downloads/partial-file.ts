import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';
import { parseJson } from '../platform/parse-json.ts';
import { shownAddress } from './address.ts';
import type { Answer, Part } from './http-source.ts';

const partFactsSchema = z.object({
  address: z.string(),
  bytes: z.optional(z.number()),
  etag: z.optional(z.string()),
  lastModified: z.optional(z.string()),
});

/** What is written down about a part of a file before its first byte. */
export type PartFacts = z.output<typeof partFactsSchema>;

/** Where a download lies until it is whole; `key` stands for its address. */
export const partialPath = (cacheFolder: string, key: string): string => join(cacheFolder, 'partial', key);

/** The lock of whoever works on it. */
export const guardPath = (cacheFolder: string, key: string): string =>
  join(cacheFolder, 'locks', `${key}.lock`);

/** A download that has not ended, kept so that a later one goes on from there, also in another process. */
export class PartialFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get #factsPath(): string {
    return `${this.path}.json`;
  }

  /** What is there of the file at `address`, if the server can be asked whether it is that still. */
  async partOf(address: string): Promise<Part | undefined> {
    const [facts, length] = [await this.#facts(), await this.length()];
    if (facts === undefined || length === 0) return undefined;
    const isKnownAgain = facts.etag !== undefined || facts.lastModified !== undefined;
    return facts.address === shownAddress(address) && isKnownAgain ? { length, facts } : undefined;
  }

  /** Of which file it is a part; undefined if nobody wrote that down. */
  async address(): Promise<string | undefined> {
    return (await this.#facts())?.address;
  }

  /** Damaged ones are none: the part is of no use then. */
  async #facts(): Promise<PartFacts | undefined> {
    const text = await readTextIfThere(this.#factsPath);
    return text === undefined ? undefined : z.safeParse(partFactsSchema, parseJson(text)).data;
  }

  async length(): Promise<number> {
    return await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
  }

  /** Opens it, in a folder that is there, for what the answer brings: at its end for a rest, else emptied. */
  async open(address: string, answer: Answer): Promise<FileHandle> {
    if (answer.offset > 0) return await open(this.path, 'a');
    await this.discard(); // its facts first, so that they never speak of other bytes
    const { bytes, etag, lastModified } = answer;
    const facts: PartFacts = { address: shownAddress(address), bytes, etag, lastModified };
    await writeFileAtomic(this.#factsPath, JSON.stringify(facts));
    return await open(this.path, 'wx', 0o600);
  }

  async discard(): Promise<void> {
    await rm(this.#factsPath, { force: true });
    await rm(this.path, { force: true });
  }
}
