import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { UserError } from '../platform/errors.ts';
import { type BundleContents, contentsEntry, fileEntry, lockEntry } from './bundle-contents.ts';
import { difference } from './check-digests.ts';
import { Digester } from './digests.ts';
import type { KeptFile } from './kept-file.ts';
import { type LockFile, lockFileText } from './lock-file.ts';
import { refuseNoRoom } from './refuse-no-room.ts';

/** What goes into a bundle. */
export interface BundleParts {
  readonly environment: string;
  readonly lock: LockFile;
  readonly files: readonly KeptFile[];
}

export interface BundleOptions {
  readonly signal: AbortSignal;
  /** Called with the name of each file before it. */
  onFile(name: string): void;
}

/**
 * Writes a tar file: a list of what is in it with checksums, the lock file, the downloads. It appears whole or not at all. Throws
 * CHECKSUM if a download is not any more what it was, NO_RESOURCES if there is no room for it.
 */
export async function writeBundle(path: string, parts: BundleParts, options: BundleOptions): Promise<void> {
  const arriving = `${path}.part`;
  await refuseFolder(path);
  await mkdir(dirname(path), { recursive: true });
  const bytes = parts.files.reduce((sum, file) => sum + file.bytes, 0);
  await refuseNoRoom('The bundle', bytes, dirname(path));
  const archive = pack();
  const writing = pipeline(archive, createWriteStream(arriving));
  const filling = fill(archive, parts, options).catch((error: unknown) => {
    archive.destroy();
    throw error;
  });
  try {
    // what filling threw is the cause of what writing then throws
    const [filled, written] = await Promise.allSettled([filling, writing]);
    options.signal.throwIfAborted();
    for (const result of [filled, written]) if (result.status === 'rejected') throw result.reason;
    await rename(arriving, path);
  } finally {
    await rm(arriving, { force: true });
  }
}

/** Known at once, and not when all of it is written. */
async function refuseFolder(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined); // whatever is wrong with another path the writing tells
  if (!there?.isDirectory()) return;
  throw new UserError('USAGE', `${path} is a folder`, {
    hints: ['name the file to write, such as work.tar'],
  });
}

async function fill(archive: Pack, parts: BundleParts, { signal, onFile }: BundleOptions): Promise<void> {
  const { environment, files } = parts;
  const lock = lockFileText(parts.lock);
  const contents: BundleContents = {
    version: 1,
    environment,
    lockSha256: createHash('sha256').update(lock).digest('hex'),
    files: files.map(({ sha1, sha256, bytes, names, sources }) => ({ sha1, sha256, bytes, names, sources })),
  };
  archive.entry({ name: contentsEntry }, JSON.stringify(contents, null, 2));
  archive.entry({ name: lockEntry }, lock);
  for (const file of files) {
    onFile(file.names[0] ?? file.sha256);
    const sink = archive.entry({ name: fileEntry(file.sha256), size: file.bytes, mode: 0o444 });
    await pipeline(checked(file, signal), sink);
  }
  archive.finalize();
}

/** The content of a file, which must be what it was until its end. */
async function* checked(file: KeptFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const digester = new Digester();
  for await (const chunk of createReadStream(file.path, { highWaterMark: 1 << 20 })) {
    signal.throwIfAborted(); // tar-stream's own streams do not end well by a signal
    digester.update(chunk as Buffer);
    yield chunk as Buffer;
  }
  const wrong = difference({ ...file, name: '', urls: [''] }, digester.digests());
  if (wrong === undefined) return;
  throw new UserError('CHECKSUM', `${file.names[0]} in the cache is damaged: ${file.path} has ${wrong}`, {
    hints: ['boshvirt cache verify deletes what is damaged; the same command fetches it again then'],
  });
}
