import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { parse } from 'yaml';
import { errnoOf, messageOf, UserError } from '../platform/errors.ts';

/** A stemcell tarball that was read to its end. */
export interface StemcellFile {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Of the tarball, as a manifest names it. */
  readonly sha1: string;
  readonly sizeBytes: number;
}

/**
 * Reads a stemcell .tgz from beginning to end: gzip and tar are whole, stemcell.MF names it, the image has the SHA-1 that
 * stemcell.MF says (contract 4). Throws a UserError that says what is wrong with which file; nothing is written.
 */
export async function inspectStemcell(path: string, signal?: AbortSignal): Promise<StemcellFile> {
  const whole = createHash('sha1');
  let sizeBytes = 0;
  const entries = extract();
  const source = createReadStream(
    path,
    signal ? { signal, highWaterMark: 1 << 20 } : { highWaterMark: 1 << 20 },
  );
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      whole.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  const found: { manifest?: Record<string, unknown>; imageSha1?: string } = {};
  const reading = (async () => {
    for await (const entry of entries) {
      const name = entry.header.name.replace(/^\.\//, '');
      if (name === 'stemcell.MF') found.manifest = parse((await Readable.from(entry).toArray()).join(''));
      else if (name === 'image') found.imageSha1 = await sha1Of(entry);
      else entry.resume();
    }
  })();
  try {
    await Promise.all([
      pipeline(counted, createGunzip({ chunkSize: 1 << 20 }), entries as unknown as Writable),
      reading,
    ]);
  } catch (error) {
    signal?.throwIfAborted();
    throw unusable(
      path,
      errnoOf(error) === 'ENOENT'
        ? 'there is no such file'
        : `it is damaged or cut off (${messageOf(error)})`,
      error,
    );
  }
  const { manifest, imageSha1 } = found;
  if (!manifest || imageSha1 === undefined) {
    throw unusable(path, `it holds no ${manifest ? 'image' : 'stemcell.MF'}: this is not a BOSH stemcell`);
  }
  if (typeof manifest.sha1 === 'string' && manifest.sha1 !== imageSha1) {
    throw unusable(path, `its image has SHA-1 ${imageSha1}, stemcell.MF says ${manifest.sha1}`);
  }
  return {
    path,
    name: String(manifest.name),
    version: String(manifest.version),
    sha1: whole.digest('hex'),
    sizeBytes,
  };
}

async function sha1Of(stream: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha1');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function unusable(path: string, why: string, cause?: unknown): UserError {
  return new UserError('USAGE', `The stemcell ${path} cannot be used: ${why}`, {
    cause,
    hints: [
      'without --stemcell, boshvirt builds its own small one',
      'download the file again and compare its checksum',
    ],
  });
}
