import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { messageOf, UserError } from '../../platform/errors.ts';
import { isMap, type NodeMap, readYaml } from '../template/index.ts';

/** A stemcell tarball taken apart: dispose of it to delete what was unpacked. */
export interface UnpackedStemcell extends AsyncDisposable {
  readonly name: string;
  readonly version: string;
  readonly apiVersion: number;
  readonly cloudProperties: NodeMap;
  /** The `image` file, as create_stemcell is handed it. */
  readonly imagePath: string;
}

/**
 * Unpacks a stemcell into a folder below `workDir`, in one pass, and compares SHA-1 sums: of the tarball with the manifest's
 * and of the image with stemcell.MF's. Throws a UserError with the file's name.
 */
export async function unpackStemcell(
  path: string,
  sha1: string | undefined,
  workDir: string,
): Promise<UnpackedStemcell> {
  const folder = await mkdtemp(join(workDir, 'stemcell-'));
  const remove = async () => await rm(folder, { recursive: true, force: true });
  try {
    return { ...(await unpack(path, sha1, join(folder, 'image'))), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    if (error instanceof UserError) throw error;
    throw unusable(path, messageOf(error), error);
  }
}

async function unpack(
  path: string,
  sha1: string | undefined,
  imagePath: string,
): Promise<Omit<UnpackedStemcell, typeof Symbol.asyncDispose>> {
  const whole = createHash('sha1');
  const image = createHash('sha1');
  const entries = extract();
  let manifest: NodeMap | undefined;
  let hasImage = false;
  const reading = (async () => {
    for await (const entry of entries) {
      const name = entry.header.name.replace(/^\.\//, '');
      if (name === 'stemcell.MF')
        manifest = manifestIn((await Readable.from(entry).toArray()).join(''), path);
      else if (name === 'image') {
        hasImage = true;
        await pipeline(entry as unknown as Readable, hashing(image), createWriteStream(imagePath, { mode: 0o600 }));
      } else entry.resume();
    }
  })();
  await Promise.all([
    pipeline(createReadStream(path), hashing(whole), createGunzip(), entries as unknown as Writable),
    reading,
  ]);
  if (!manifest || !hasImage) throw unusable(path, `it holds no ${manifest ? 'image' : 'stemcell.MF'}`);
  const wholeSum = whole.digest('hex');
  if (sha1 !== undefined && sha1 !== wholeSum)
    throw unusable(path, `its SHA-1 is ${wholeSum}, the manifest says ${sha1}`);
  const imageSum = image.digest('hex');
  if (typeof manifest.sha1 === 'string' && manifest.sha1 !== imageSum)
    throw unusable(path, `its image has SHA-1 ${imageSum}, stemcell.MF says ${manifest.sha1}`);
  const properties = manifest.cloud_properties ?? null;
  return {
    name: String(manifest.name),
    version: String(manifest.version),
    apiVersion: Number(manifest.api_version ?? 1),
    cloudProperties: isMap(properties) ? properties : {},
    imagePath,
  };
}

function manifestIn(text: string, path: string): NodeMap {
  const manifest = readYaml(text, `${path}: stemcell.MF`);
  if (isMap(manifest)) return manifest;
  throw unusable(path, 'its stemcell.MF is no map');
}

function hashing(hash: ReturnType<typeof createHash>) {
  return async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk);
      yield chunk;
    }
  };
}

function unusable(path: string, why: string, cause?: unknown): UserError {
  return new UserError('USAGE', `The stemcell ${path} cannot be used: ${why}`, { cause });
}
