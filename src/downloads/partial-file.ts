import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';
import { shownAddress } from './address.ts';
import type { Answer, Part } from './http-source.ts';

/** What is written down about a part of a file before its first byte. */
export interface PartFacts {
  readonly address: string;
  readonly bytes: number | undefined;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

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
    const text = await readTextIfThere(this.#factsPath);
    const length = await this.length();
    if (text === undefined || length === 0) return undefined;
    const facts: PartFacts = JSON.parse(text);
    const isKnownAgain = facts.etag !== undefined || facts.lastModified !== undefined;
    return facts.address === shownAddress(address) && isKnownAgain ? { length, facts } : undefined;
  }

  /** Of which file it is a part; undefined if nobody wrote that down. */
  async address(): Promise<string | undefined> {
    const text = await readTextIfThere(this.#factsPath);
    return text === undefined ? undefined : (JSON.parse(text) as PartFacts).address;
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
