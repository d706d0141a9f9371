import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolError, UserError } from '../platform/errors.ts';
import { run } from '../platform/process.ts';
import { hashFile } from './hash-file.ts';

/** A version of a Debian package that this machine's package sources offer. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** What its Depends field names, alternatives left out. */
  readonly depends: readonly string[];
}

/** A package by name; `a|b` stands for the first of them that there is (names differ between releases). */
export type PackageWish = string;

interface AptOptions {
  readonly cacheDir: string;
  readonly signal?: AbortSignal | undefined;
}

const updateTimeoutMs = 5 * 60_000;
const downloadTimeoutMs = 10 * 60_000;

/** The packages of this machine's apt sources, downloaded and unpacked without being installed. */
export class DebianPackages {
  readonly #options: AptOptions;
  /** Options that lead apt to lists of our own, once this machine's proved to be empty or out of date. */
  #ownLists: readonly string[] = [];

  constructor(options: AptOptions) {
    this.#options = options;
  }

  /** Finds each wish; fetches fresh package lists into the cache if this machine's do not know them all. */
  async find(wishes: readonly PackageWish[]): Promise<DebianPackage[]> {
    const found = await this.#look(wishes);
    if (found.missing.length === 0) return found.packages;
    await this.#fetchLists();
    const again = await this.#look(wishes);
    if (again.missing.length === 0) return again.packages;
    throw new UserError(
      'PREFLIGHT',
      `apt's sources on this machine have no package ${again.missing.join(', ')}`,
      {
        hints: [
          'the probe stemcell is built from Debian packages (main); Debian 12 and 13 have them all',
          'or name a stemcell with --stemcell',
        ],
      },
    );
  }

  async #look(
    wishes: readonly PackageWish[],
  ): Promise<{ packages: DebianPackage[]; missing: PackageWish[] }> {
    const names = wishes.flatMap((wish) => wish.split('|'));
    const { stdout } = await run(['apt-cache', ...this.#ownLists, 'show', '--no-all-versions', ...names], {
      okExitCodes: [100],
      signal: this.#options.signal,
    });
    const offered = parsePackages(stdout);
    const packages: DebianPackage[] = [];
    const missing: PackageWish[] = [];
    for (const wish of wishes) {
      const name = wish.split('|').find((option) => offered.has(option));
      if (name === undefined) missing.push(wish);
      else packages.push(offered.get(name) as DebianPackage);
    }
    return { packages, missing };
  }

  async #fetchLists(): Promise<void> {
    const lists = join(this.#options.cacheDir, 'apt', 'lists');
    const cache = join(this.#options.cacheDir, 'apt', 'cache');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
    this.#ownLists = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${cache}`];
    await run(['apt-get', '-q', ...this.#ownLists, 'update'], {
      timeoutMs: updateTimeoutMs,
      signal: this.#options.signal,
      failure: 'DOWNLOAD',
    });
  }

  /** Brings the .deb files into the cache where they are not there yet; gives their paths in the same order. */
  async download(packages: readonly DebianPackage[]): Promise<string[]> {
    const folder = join(this.#options.cacheDir, 'packages');
    await mkdir(folder, { recursive: true });
    const path = ({ sha256 }: DebianPackage) => join(folder, `${sha256}.deb`);
    const there = new Set(await readdir(folder));
    const missing = packages.filter(({ sha256 }) => !there.has(`${sha256}.deb`));
    if (missing.length > 0) await this.#fetch(missing, folder, path);
    return packages.map(path);
  }

  async #fetch(
    packages: readonly DebianPackage[],
    folder: string,
    path: (of: DebianPackage) => string,
  ): Promise<void> {
    const arriving = await mkdtemp(join(folder, 'arriving-'));
    try {
      await this.#aptDownload(packages, arriving);
      const arrived = new Map<string, string>();
      for (const file of await readdir(arriving)) {
        arrived.set(await hashFile(join(arriving, file), 'sha256'), join(arriving, file));
      }
      for (const wanted of packages) {
        const file = arrived.get(wanted.sha256);
        if (file === undefined)
          throw new ToolError(
            'CHECKSUM',
            `apt-get brought no ${wanted.name} ${wanted.version} with SHA-256 ${wanted.sha256}`,
          );
        await rename(file, path(wanted));
      }
    } finally {
      await rm(arriving, { recursive: true, force: true });
    }
  }

  async #aptDownload(packages: readonly DebianPackage[], cwd: string): Promise<void> {
    const wanted = packages.map(({ name, version }) => `${name}=${version}`);
    await run(['apt-get', '-q', '-o', 'APT::Sandbox::User=', ...this.#ownLists, 'download', ...wanted], {
      cwd,
      timeoutMs: downloadTimeoutMs,
      signal: this.#options.signal,
      failure: 'DOWNLOAD',
    });
  }
}

/** Reads the stanzas of `apt-cache show`, by package name. */
export function parsePackages(text: string): Map<string, DebianPackage> {
  const packages = new Map<string, DebianPackage>();
  for (const stanza of text.split(/\n\n+/)) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1];
    const [name, version, sha256] = [field('Package'), field('Version'), field('SHA256')];
    if (name === undefined || version === undefined || sha256 === undefined || packages.has(name)) continue;
    const depends = (field('Depends') ?? '')
      .split(/,\s*/)
      .flatMap((part) => /^[a-z0-9][a-z0-9+.-]*/.exec(part)?.[0] ?? []);
    packages.set(name, { name, version, sha256, depends });
  }
  return packages;
}
