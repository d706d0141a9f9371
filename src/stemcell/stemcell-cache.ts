import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';
import { hashFile } from './hash-file.ts';

/** A finished stemcell file. */
export interface KeptStemcell {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Of the .tgz. */
  readonly sha256: string;
  readonly sha1: string;
  readonly sizeBytes: number;
}

/** How many stemcells stay: each update of a package makes another one, in two forms and with two kinds of agent. */
const keptStemcells = 8;

const filePattern = /^probe-stemcell-(\w+)\.tgz$/;
const keyOf = (path: string): string => filePattern.exec(basename(path))?.[1] ?? '';

/** Finished stemcells in a folder, by key; each has a description beside it that is written last. */
export class StemcellCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #path(key: string): string {
    return join(this.#folder, `probe-stemcell-${key}.tgz`);
  }

  lockPath(key: string): string {
    return join(this.#folder, `probe-stemcell-${key}.lock`);
  }

  /** The stemcell of that key, if it is there and as long as it was written. */
  async find(key: string): Promise<KeptStemcell | undefined> {
    const path = this.#path(key);
    const text = await readTextIfThere(`${path}.json`);
    if (text === undefined) return undefined;
    const kept = JSON.parse(text) as KeptStemcell;
    const size = await stat(path).then(
      (stats) => stats.size,
      () => -1,
    );
    return size === kept.sizeBytes ? { ...kept, path } : undefined;
  }

  /** Takes the finished file `from` in, and lets the oldest stemcells go. */
  async keep(key: string, from: string, name: string, version: string): Promise<KeptStemcell> {
    const path = this.#path(key);
    const [sha256, sha1, { size: sizeBytes }] = await Promise.all([
      hashFile(from, 'sha256'),
      hashFile(from, 'sha1'),
      stat(from),
    ]);
    const kept: KeptStemcell = { path, name, version, sha256, sha1, sizeBytes };
    await rename(from, path);
    await writeFileAtomic(`${path}.json`, JSON.stringify(kept), { mode: 0o644 });
    await this.#prune();
    return kept;
  }

  /** Those that a newer one of the same name has taken the place of. */
  async superseded(): Promise<KeptStemcell[]> {
    const found = await Promise.all((await this.#byAge()).map(({ file }) => this.find(keyOf(file))));
    const kept = found.filter((stemcell) => stemcell !== undefined);
    return kept.filter(({ name }, at) => kept.findIndex((newer) => newer.name === name) < at);
  }

  /** Deletes one by its path. */
  async drop(path: string): Promise<void> {
    for (const ending of ['.json', '']) await rm(`${path}${ending}`, { force: true });
  }

  async #prune(): Promise<void> {
    for (const { file } of (await this.#byAge()).slice(keptStemcells)) {
      for (const ending of ['.json', '']) await rm(join(this.#folder, `${file}${ending}`), { force: true });
    }
  }

  /** The newest first. */
  async #byAge(): Promise<{ file: string; at: number }[]> {
    const files = (await readdir(this.#folder).catch(() => [])).filter((file) => filePattern.test(file));
    const aged = await Promise.all(
      files.map(async (file) => ({ file, at: (await stat(join(this.#folder, file))).mtimeMs })),
    );
    return aged.sort((a, b) => b.at - a.at);
  }
}

/** Copies a file so that nobody sees a part of it under the new name. */
export async function copyWhole(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, `${to}.part`);
  await rename(`${to}.part`, to);
}
