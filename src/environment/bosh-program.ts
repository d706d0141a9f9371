import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Artifact, type FetchOptions, fetchArtifacts } from '../downloads/index.ts';
import { type BoshProgram, findBosh } from '../engine/bosh-cli/index.ts';
import { type Pins, readPins } from '../manifest/pins.ts';
import { ToolError, UserError } from '../platform/errors.ts';
import { isThere } from '../platform/files.ts';
import { cacheFolder } from './paths.ts';

/** Where `up` puts the bosh CLI that it fetched. */
const fetchedBoshPath = (): string => join(cacheFolder(), 'bin', 'bosh');

/** The first bosh CLI on PATH, else the one that was fetched; undefined if there is neither. */
export async function findBoshProgram(): Promise<BoshProgram | undefined> {
  const onPath = await findBosh();
  if (onPath !== undefined) return onPath;
  return (await isThere(fetchedBoshPath())) ? await findBosh({ path: fetchedBoshPath() }) : undefined;
}

/** The bosh CLI, for work with a director. Throws a UserError PREFLIGHT. */
export async function requireBoshProgram(): Promise<BoshProgram> {
  const found = await findBoshProgram();
  if (found) return found;
  throw new UserError('PREFLIGHT', 'The bosh CLI was not found on PATH', {
    hints: ['boshvirt up fetches it', installHint],
  });
}

/**
 * The same; where there is none, the one that this version was made for is fetched into the cache. Throws UNSUPPORTED for a
 * machine for which there is none, and what fetching throws.
 */
export async function fetchBosh(options: FetchOptions, pin?: Pins['bosh-cli']): Promise<BoshProgram> {
  const found = await findBoshProgram();
  if (found) return found;
  const artifact = await boshArtifact(pin);
  const [fetched] = await fetchArtifacts([artifact], options);
  await place(fetched?.path ?? '', fetchedBoshPath());
  const placed = await findBosh({ path: fetchedBoshPath() });
  if (placed) return placed;
  throw new ToolError('PREFLIGHT', `${fetchedBoshPath()}, fetched from ${artifact.urls[0]}, does not run`, {
    command: `${fetchedBoshPath()} --version`,
    hints: [installHint],
  });
}

/** The bosh CLI that `fetchBosh` fetches for this machine. Throws UNSUPPORTED where there is none. */
export async function boshArtifact(pin?: Pins['bosh-cli']): Promise<Artifact> {
  const { version, programs } = pin ?? (await readPins())['bosh-cli'];
  const platform = `${process.platform}-${process.arch}`;
  const program = programs[platform];
  if (program) return { name: `bosh CLI ${version}`, urls: [program.url], sha256: program.sha256 };
  throw new UserError('UNSUPPORTED', `boshvirt knows no bosh CLI to fetch for ${platform}`, {
    hints: [installHint],
  });
}

const installHint = 'install it yourself: https://bosh.io/docs/cli-v2-install/';

/** A file in the cache belongs to nobody and is not executable. */
async function place(from: string, to: string): Promise<void> {
  const arriving = `${to}.${process.pid}`;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  try {
    await copyFile(from, arriving);
    await chmod(arriving, 0o755);
    await rename(arriving, to);
  } finally {
    await rm(arriving, { force: true });
  }
}
