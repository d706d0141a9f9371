import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, interceptors, request } from 'undici';
import { BoshvirtError, messageOf, UserError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { isRemote, localPath, shownAddress } from './address.ts';
import type { Artifact, Fetched } from './artifact.ts';
import { digestFile } from './digests.ts';

export interface FetchOptions {
  /** boshvirt's cache folder; downloads lie in `downloads/` in it. */
  readonly cacheDir: string;
  /** Nothing is asked of the network: what is not in the cache is an error. */
  readonly offline: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Words about what is going on, for whoever waits. */
  readonly onProgress?: (line: string) => void;
}

/**
 * Brings the artifacts onto this machine, in the order they were given. Throws DOWNLOAD if one cannot be had, CHECKSUM if
 * all that offer it serve other bytes, OFFLINE naming all that are missing.
 */
export async function fetchArtifacts(
  artifacts: readonly Artifact[],
  options: FetchOptions,
): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  for (const artifact of artifacts) fetched.push(await fetchOne(artifact, options));
  return fetched;
}

async function fetchOne(artifact: Artifact, options: FetchOptions): Promise<Fetched> {
  const [address] = artifact.urls;
  if (!isRemote(address)) return await checked(artifact, localPath(address), address);
  const folder = join(options.cacheDir, 'downloads', 'sha256');
  const known = artifact.sha256 && join(folder, artifact.sha256);
  if (known && (await stat(known).catch(() => undefined))) return await checked(artifact, known, address);
  if (options.offline) throw new UserError('OFFLINE', `${artifact.name} is not in the cache`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const arriving = join(folder, `arriving-${process.pid}`);
  options.onProgress?.(`fetching ${artifact.name}`);
  try {
    const dispatcher = new EnvHttpProxyAgent().compose(interceptors.redirect({ maxRedirections: 10 }));
    const { statusCode, body } = await request(address, { dispatcher, signal: options.signal });
    if (statusCode !== 200)
      throw new UserError('DOWNLOAD', `${shownAddress(address)} answered ${statusCode}`);
    await pipeline(body, createWriteStream(arriving));
    const whole = await checked(artifact, arriving, address);
    const path = join(folder, whole.sha256);
    await rename(arriving, path);
    return { ...whole, path };
  } catch (error) {
    await rm(arriving, { force: true });
    if (error instanceof BoshvirtError) throw error;
    throw new UserError('DOWNLOAD', `${shownAddress(address)}: ${messageOf(error)}`, { cause: error });
  }
}

async function checked(artifact: Artifact, path: string, address: string): Promise<Fetched> {
  const digests = await digestFile(path);
  for (const sort of ['sha256', 'sha1'] as const) {
    const expected = artifact[sort];
    if (expected !== undefined && expected !== digests[sort]) {
      throw new UserError(
        'CHECKSUM',
        `${shownAddress(address)} has ${sort} ${digests[sort]}, expected ${expected}`,
      );
    }
  }
  return { artifact, path, ...digests };
}
