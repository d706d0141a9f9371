import { isRemote, shownAddress } from './address.ts';
import type { Artifact, Fetched } from './artifact.ts';
import { difference } from './check-digests.ts';
import { ChecksumError } from './errors.ts';
import { changeLockFile, type Locked, lockedFor, lockedOf, readLockFile } from './lock-file.ts';
import { rememberLockFile } from './lock-files.ts';

/** Which lock file holds for a call, and as what its artifacts stand in it. */
export interface LockTarget {
  readonly path: string;
  /** Read as long as `path` says nothing of the environment: what a bundle brought along. */
  readonly fallback?: string;
  readonly environment: string;
  /** What the call's artifacts are for; those of an earlier call for the same leave the file. */
  readonly part: string;
  /** What the addresses give now is accepted. */
  readonly update: boolean;
}

/**
 * Has `fetch` bring the artifacts, each held against what the lock file says of its address, and writes down what came. Throws
 * CHECKSUM, with how to accept it, if an address or the manifest has something else by now.
 */
export async function fetchLocked(
  artifacts: readonly Artifact[],
  target: LockTarget,
  cacheFolder: string,
  fetch: (artifacts: readonly Artifact[]) => Promise<Fetched[]>,
): Promise<Fetched[]> {
  const locked = target.update ? [] : await lockedArtifacts(target);
  const wanted = artifacts.map((artifact) => withLock(artifact, locked, target));
  const fetched = await fetch(wanted).catch((error: unknown) => {
    throw isOnlyLocked(error, artifacts, wanted) ? refusal(error.artifact, error.message, target) : error;
  });
  const entries = fetched.filter(({ artifact }) => isRemote(artifact.urls[0])).map(lockedOf);
  await rememberLockFile(target.path, cacheFolder);
  const { environment, part } = target;
  await changeLockFile(target.path, cacheFolder, ({ env, ...file }) => ({
    ...file,
    env: { ...env, [environment]: { ...env[environment], [part]: entries } },
  }));
  return fetched.map((item, at) => ({ ...item, artifact: artifacts[at] ?? item.artifact }));
}

/** What the file says goes before what a bundle said. */
async function lockedArtifacts({ path, fallback, environment }: LockTarget): Promise<Locked[]> {
  const files = [path, ...(fallback === undefined ? [] : [fallback])];
  const read = await Promise.all(files.map(async (file) => lockedFor(await readLockFile(file), environment)));
  return read.flat();
}

function withLock(artifact: Artifact, locked: readonly Locked[], target: LockTarget): Artifact {
  const address = shownAddress(artifact.urls[0]);
  const entry = locked.find(({ url }) => url === address);
  if (!entry) return artifact;
  const wrong = difference(artifact, entry);
  if (wrong !== undefined)
    throw refusal(artifact, `${artifact.name}: ${address} is locked to another file: ${wrong}`, target);
  return { ...artifact, sha1: entry.sha1, sha256: entry.sha256, bytes: entry.bytes };
}

/** Whether nobody but the lock file says what the file should be. */
function isOnlyLocked(
  error: unknown,
  artifacts: readonly Artifact[],
  wanted: readonly Artifact[],
): error is ChecksumError {
  if (!(error instanceof ChecksumError)) return false;
  const own = artifacts[wanted.indexOf(error.artifact)];
  return own?.sha1 === undefined && own?.sha256 === undefined && own !== error.artifact;
}

const refusal = (artifact: Artifact, message: string, { path }: LockTarget): ChecksumError =>
  new ChecksumError(artifact, message, [
    `what was fetched first is written in ${path}`,
    'if the new file is the right one, the same command with --update-lock accepts it',
  ]);
