import {
  type Artifact,
  changeLockFile,
  DownloadCache,
  type Fetched,
  fetchArtifacts,
  type Locked,
  type LockFile,
  lockedOf,
  readBundle,
  readLockFile,
  rememberLockFile,
  whatIsThere,
  writeBundle,
} from '../downloads/index.ts';
import { formatBytes } from '../platform/amounts.ts';
import { BoshvirtError, UserError } from '../platform/errors.ts';
import { boshArtifact } from './bosh-program.ts';
import { readCfRecord } from './cf/cf-record.ts';
import { checkoutArtifact } from './checkouts/index.ts';
import { downloadLock, importedLockFile } from './download-lock.ts';
import { fetchOptionsOf } from './fetch-options.ts';
import { cacheFolder, checkEnvironmentName } from './paths.ts';
import { readRecord } from './record.ts';
import type { Caller } from './steps/step.ts';

/** A bundle that was made, or taken in. */
export interface Bundle {
  readonly path: string;
  readonly environment: string;
  readonly downloads: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

export interface BundleRequest {
  readonly out: string;
  readonly configPath: string | undefined;
  readonly offline: boolean;
}

type Parts = LockFile['env'][string];

/**
 * Puts all that the environment's lock file names into one file, with the programs and sources that `up` needs besides. What is
 * not in the cache is fetched. Throws USAGE if nothing was ever fetched for the environment.
 */
export async function createBundle(
  environment: string,
  request: BundleRequest,
  caller: Caller,
): Promise<Bundle> {
  checkEnvironmentName(environment);
  const parts = await lockedParts(environment, request);
  const locked = Object.values(parts).flat().map(artifactOf);
  const others = await obtainable(await otherArtifacts(environment, caller), request, caller);
  const cache = new DownloadCache(cacheFolder());
  const work: { fetched: Fetched[] } = { fetched: [] };
  await caller.runSteps(
    [
      {
        title: 'Look whether all is in the cache',
        async run(_, say) {
          work.fetched = await fetchArtifacts([...locked, ...others], fetchOptionsOf(request, caller, say));
        },
      },
      {
        title: 'Write the bundle',
        async run({ fetched }, say) {
          const digests = new Set(fetched.map(({ sha256 }) => sha256));
          const files = (await cache.list()).filter(({ sha256 }) => digests.has(sha256));
          const besides = fetched.slice(locked.length).map(lockedOf);
          const lock: LockFile = { version: 1, env: { [environment]: { ...parts, 'boshvirt up': besides } } };
          const content = { environment, lock, files };
          await writeBundle(request.out, content, { signal: caller.signal, onFile: say });
        },
      },
    ],
    work,
  );
  return bundleOf(request.out, environment, work.fetched.map(lockedOf));
}

/** Takes a bundle's downloads into the cache, and its lock file for environments that have none here. */
export async function importBundle(path: string, caller: Caller): Promise<Bundle> {
  const cache = new DownloadCache(cacheFolder());
  const work: { bundle?: Bundle } = {};
  const step = {
    title: 'Read the bundle',
    async run(_: object, say: (line: string) => void) {
      const { contents, lock } = await readBundle(path, cache, { signal: caller.signal, onFile: say });
      await rememberLockFile(importedLockFile(), cache.folder);
      await changeLockFile(importedLockFile(), cache.folder, ({ env, ...file }) => ({
        ...file,
        env: { ...env, ...lock.env },
      }));
      const files = contents.files.map(({ names, ...file }) => ({ ...file, name: names[0] ?? file.sha256 }));
      work.bundle = bundleOf(path, contents.environment, files);
    },
  };
  await caller.runSteps([step], work);
  return work.bundle as Bundle;
}

async function lockedParts(environment: string, { configPath }: BundleRequest): Promise<Parts> {
  const { path, fallback } = await downloadLock(environment, { configPath });
  const own = (await readLockFile(path))?.env[environment];
  const imported = fallback === undefined ? undefined : (await readLockFile(fallback))?.env[environment];
  const parts = own ?? imported;
  if (parts && Object.values(parts).flat().length > 0) return parts;
  throw new UserError(
    'USAGE',
    `Nothing was fetched for the environment '${environment}': ${path} does not name it`,
    {
      hints: [
        `boshvirt up ${environment} fetches what it needs, and writes it down`,
        'an environment of the profile machine needs no downloads but packages of the operating system, which no bundle holds',
      ],
    },
  );
}

const artifactOf = ({ url, ...locked }: Locked): Artifact => ({ ...locked, urls: [url] });

/** The bosh CLI and the sources of manifests: known by their own checksums, they are in no lock file. */
async function otherArtifacts(environment: string, { tell }: Caller): Promise<Artifact[]> {
  const boshDeployment = (await readRecord(environment))?.boshDeployment ?? 'pinned';
  const cfDeployment = (await readCfRecord(environment))?.cfDeployment;
  const sources = [
    ['bosh-deployment', boshDeployment],
    ['cf-deployment', cfDeployment],
  ] as const;
  const found: Artifact[] = [];
  for (const [name, ref] of sources) {
    if (ref === undefined) continue;
    if (ref.includes('/')) tell(`Not in the bundle: the folder ${ref}, which ${name} is taken from`);
    else found.push(await checkoutArtifact(name, ref));
  }
  return [...found, ...(await boshProgram(tell))];
}

/** Offline, what `up` did not need here either is left out. */
async function obtainable(
  artifacts: readonly Artifact[],
  { offline }: BundleRequest,
  { tell }: Caller,
): Promise<Artifact[]> {
  const places = await whatIsThere(artifacts, cacheFolder());
  return artifacts.filter(({ name, urls }, at) => {
    const isMissing = offline && places[at]?.place === 'to be fetched';
    if (isMissing) tell(`Not in the bundle, since it is not in the cache: ${name} (${urls[0]})`);
    return !isMissing;
  });
}

async function boshProgram(tell: Caller['tell']): Promise<Artifact[]> {
  try {
    return [await boshArtifact()];
  } catch (error) {
    if (!(error instanceof BoshvirtError && error.code === 'UNSUPPORTED')) throw error;
    tell(`Not in the bundle: the bosh CLI. ${error.message}`);
    return [];
  }
}

/** The same bytes under two names are one download. */
function bundleOf(path: string, environment: string, files: Bundle['downloads']): Bundle {
  const once = [...new Map(files.map((file) => [file.sha256, file])).values()];
  return { path, environment, downloads: once.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })) };
}

/** How much there is in a bundle: `14 downloads, 1.9 GiB`. */
export function amountIn({ downloads }: Bundle): string {
  const bytes = downloads.reduce((sum, download) => sum + download.bytes, 0);
  return `${downloads.length} ${downloads.length === 1 ? 'download' : 'downloads'}, ${formatBytes(bytes)}`;
}
