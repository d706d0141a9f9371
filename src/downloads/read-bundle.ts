import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { BoshvirtError, errnoOf, messageOf, UserError } from '../platform/errors.ts';
import {
  type BundleContents,
  contentsEntry,
  damagedBundle,
  fileEntry,
  lockEntry,
  parseContents,
} from './bundle-contents.ts';
import { difference } from './check-digests.ts';
import { Digester } from './digests.ts';
import type { DownloadCache } from './download-cache.ts';
import { type LockFile, parseLockFile } from './lock-file.ts';
import { refuseNoRoom } from './refuse-no-room.ts';
import type { BundleOptions } from './write-bundle.ts';

/** What a bundle brought. */
export interface ReadBundle {
  readonly contents: BundleContents;
  readonly lock: LockFile;
}

type Entry = ReturnType<typeof extract> extends AsyncIterable<infer E> ? E : never;

/** No list of downloads and no lock file is as long as this. */
const mostTextBytes = 16 * 1024 ** 2;

/**
 * Takes all of a bundle's downloads into the cache, once every one was seen to be what the bundle says. Throws CHECKSUM for a bundle
 * that is damaged, cut off, or has other things in it than it says; nothing is taken then.
 */
export async function readBundle(
  path: string,
  cache: DownloadCache,
  options: BundleOptions,
): Promise<ReadBundle> {
  const folder = join(cache.folder, `import-${randomBytes(6).toString('hex')}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const bundle = await unpack(path, folder, options);
    for (const { names, sources, ...file } of bundle.contents.files)
      await cache.keep(join(folder, file.sha256), file, names[0] ?? 'a file of a bundle', sources);
    return bundle;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function unpack(path: string, folder: string, options: BundleOptions): Promise<ReadBundle> {
  const { signal } = options;
  const entries = extract();
  const reading = pipeline(createReadStream(path, { signal }), entries as unknown as Writable);
  reading.catch(() => {}); // asked for below
  try {
    const bundle = await readEntries(entries, folder, options);
    await reading;
    return bundle;
  } catch (error) {
    entries.destroy();
    const cause = await reading.catch((fault: unknown) => fault);
    signal.throwIfAborted();
    throw unreadable(path, error, cause);
  }
}

/** Errors of our own and of the file are told as they are; any other is tar-stream's about what it reads. */
function unreadable(path: string, error: unknown, cause: unknown): unknown {
  const system = [cause, error].find(
    (fault) => errnoOf(fault)?.startsWith('E') && !errnoOf(fault)?.startsWith('ERR_'),
  );
  if (errnoOf(system) === 'EISDIR') return new UserError('USAGE', `${path} is a folder, not a bundle`);
  if (errnoOf(system) === 'ENOENT') return new UserError('USAGE', `There is no file ${path}`);
  if (system !== undefined || error instanceof BoshvirtError) return system ?? error;
  return damagedBundle(messageOf(error));
}

async function readEntries(
  entries: AsyncIterable<Entry>,
  folder: string,
  { onFile, signal }: BundleOptions,
): Promise<ReadBundle> {
  const arriving = entries[Symbol.asyncIterator]();
  const contents = parseContents(await textOf(await next(arriving, contentsEntry)));
  const lockText = await textOf(await next(arriving, lockEntry));
  if (createHash('sha256').update(lockText).digest('hex') !== contents.lockSha256)
    throw damagedBundle(`its ${lockEntry} is not the one that it lists`);
  const lock = parseLockFile(lockText, `${lockEntry} in the bundle`);
  const bytes = contents.files.reduce((sum, file) => sum + file.bytes, 0);
  await refuseNoRoom('What is in the bundle', bytes, folder);
  for (const file of contents.files) {
    onFile(file.names[0] ?? file.sha256);
    signal.throwIfAborted(); // all of a small bundle may have been read by now
    await takeFile(await next(arriving, fileEntry(file.sha256)), file, folder);
  }
  const more = await arriving.next();
  if (!more.done) throw damagedBundle(`it holds '${more.value.header.name}', which it does not list`);
  return { contents, lock };
}

/** The next entry, which has to be a file of that name. */
async function next(arriving: AsyncIterator<Entry>, name: string): Promise<Entry> {
  const { value: entry, done } = await arriving.next();
  if (done) throw damagedBundle(`it ends before '${name}'`);
  const { name: found, type } = entry.header;
  if (found === name && type === 'file') return entry;
  throw damagedBundle(`where '${name}' should be it has the ${type} '${found}'`);
}

async function textOf(entry: Entry): Promise<string> {
  const { name, size = 0 } = entry.header;
  if (size > mostTextBytes) throw damagedBundle(`its '${name}' has ${size} bytes`);
  return await text(entry as unknown as AsyncIterable<Uint8Array>);
}

async function takeFile(entry: Entry, file: BundleContents['files'][number], folder: string): Promise<void> {
  const { name, size } = entry.header;
  if (size !== file.bytes) throw damagedBundle(`'${name}' has ${size} bytes, listed are ${file.bytes}`);
  const digester = new Digester();
  const hashed = async function* () {
    for await (const chunk of entry as AsyncIterable<Uint8Array>) {
      digester.update(chunk);
      yield chunk;
    }
  };
  await pipeline(hashed(), createWriteStream(join(folder, file.sha256), { flags: 'wx', flush: true }));
  const wrong = difference({ ...file, name: '', urls: [''] }, digester.digests());
  if (wrong !== undefined) throw damagedBundle(`${file.names[0] ?? name} has ${wrong}`);
}
