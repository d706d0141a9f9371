import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../platform/errors.ts';
import { takeLock } from '../platform/lock.ts';
import type { Log } from '../platform/log.ts';
import { run } from '../platform/process.ts';
import { requireBuildTools } from './build-tools.ts';
import { DebianPackages } from './debian-packages.ts';
import type { ProbeFormName } from './guest-parts.ts';
import type { ProbeForm } from './probe-form.ts';
import { probeForms } from './probe-forms.ts';
import { gatherInputs, type ProbeInputs } from './probe-inputs.ts';
import { writeStemcell } from './stemcell-archive.ts';
import { copyWhole, type KeptStemcell, StemcellCache } from './stemcell-cache.ts';

export interface ProbeStemcellOptions {
  /** Keeps downloaded packages and finished stemcells. */
  readonly cacheDir: string;
  /** What it is made for: a virtual machine unless said, or a container. */
  readonly form?: ProbeFormName;
  /** A real bosh-agent to put in instead of our own. */
  readonly agentPath?: string;
  /** Where to copy the stemcell to besides the cache. */
  readonly outPath?: string;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  /** Told what is being done, in a few words. */
  readonly onStep?: (what: string) => void;
}

export interface ProbeStemcell extends KeptStemcell {
  /** true: nothing had to be built. */
  readonly cached: boolean;
}

const operatingSystem = 'boshvirt-probe';
const lockTimeoutMs = 10 * 60_000;

/**
 * Builds the probe stemcell, or finds it in the cache: the same packages, agent and Node give the same bytes. Needs no
 * root, no mount and nothing installed but what `requireBuildTools` looks for. Throws a UserError for what this machine lacks.
 */
export async function buildProbeStemcell(options: ProbeStemcellOptions): Promise<ProbeStemcell> {
  const { cacheDir, signal, outPath } = options;
  const form = probeForms[options.form ?? 'vm'];
  await requireSupported(form);
  await mkdir(cacheDir, { recursive: true });
  options.onStep?.('looking for packages');
  const debian = new DebianPackages({ cacheDir, signal });
  const inputs = await gatherInputs(debian, form, options.agentPath);
  const cache = new StemcellCache(cacheDir);
  await using _lock = await takeLock(
    cache.lockPath(inputs.key),
    lockTimeoutMs,
    'building the probe stemcell',
  );
  const found = await cache.find(inputs.key);
  const stemcell = found ?? (await build(form, inputs, debian, cache, options));
  if (outPath !== undefined) await copyWhole(stemcell.path, outPath);
  return { ...stemcell, path: outPath ?? stemcell.path, cached: found !== undefined };
}

async function requireSupported({ programs }: ProbeForm): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new UserError(
      'UNSUPPORTED',
      `The probe stemcell can be built on x86-64 Linux only, not on ${process.platform} ${process.arch}`,
      {
        hints: ['name a stemcell with --stemcell'],
      },
    );
  }
  await requireBuildTools(programs);
}

async function build(
  form: ProbeForm,
  { key, packages, own, version }: ProbeInputs,
  debian: DebianPackages,
  cache: StemcellCache,
  { cacheDir, signal, log, onStep: say = () => {} }: ProbeStemcellOptions,
): Promise<KeptStemcell> {
  // named after the key, whose lock we hold: what a killed build of the same stemcell left behind goes now
  const work = join(cacheDir, `building-${key}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  try {
    log.info(`building probe stemcell ${key}`);
    say(`downloading ${packages.length} Debian packages`);
    const files = await debian.download(packages);
    say('unpacking packages');
    const unpacked = join(work, 'packages');
    for (const file of files) await run(['dpkg-deb', '-x', file, unpacked], { signal });
    const [image, path] = [join(work, 'image'), join(work, 'stemcell.tgz')];
    const sha1 = await form.writeImage(image, { ...own, packages: unpacked }, { work, say, signal });
    say('packing the stemcell');
    const { stemcellName: name, stemcellFormats, cloudProperties } = form;
    const facts = { name, version, operatingSystem, stemcellFormats, cloudProperties };
    await writeStemcell(path, { path: image, sha1 }, facts, signal);
    return await cache.keep(key, path, name, version);
  } catch (error) {
    signal?.throwIfAborted(); // streams throw an error of their own for it
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
