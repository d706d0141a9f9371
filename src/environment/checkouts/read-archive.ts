import { createReadStream } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import type { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { BoshvirtError, messageOf, UserError } from '../../platform/errors.ts';
import type { SourceFile } from './source-file.ts';

/** The repositories have a few MB of text; an archive that unpacks to more is not one of theirs. */
const mostBytes = 256 * 1024 ** 2;

type Entry = ReturnType<typeof extract> extends AsyncIterable<infer E> ? E : never;

/**
 * The files in a tar.gz of a commit, as git hosts offer it: one folder, named after the commit, with all in it. Throws a
 * CHECKSUM UserError for a damaged archive, and for one with paths or links that lead out of the folder.
 */
export async function readArchive(path: string, signal: AbortSignal): Promise<SourceFile[]> {
  const files = new Map<string, SourceFile>();
  let bytes = 0;
  const entries = extract();
  const unpacking = pipeline(
    createReadStream(path, { signal }),
    createGunzip(),
    entries as unknown as Writable,
  );
  try {
    for await (const entry of entries) {
      const file = await fileIn(entry);
      if (!file) continue;
      bytes += file.content.length;
      if (bytes > mostBytes) throw unusable(path, 'it unpacks to far more than such a repository has');
      if (files.has(file.path)) throw unusable(path, `it holds ${file.path} twice`);
      files.set(file.path, file);
    }
    await unpacking;
    refuseBelowFiles(path, files);
  } catch (error) {
    entries.destroy();
    await unpacking.catch(() => undefined);
    signal.throwIfAborted();
    if (error instanceof BoshvirtError) throw error;
    throw unusable(path, messageOf(error), error);
  }
  return [...files.values()];

  async function fileIn(entry: Entry): Promise<SourceFile | undefined> {
    const { name, type, mode = 0, size = 0 } = entry.header;
    const inside = name.split('/').slice(1).join('/');
    if (type === 'directory') {
      entry.resume();
      return undefined;
    }
    if (!isInside(inside)) throw unusable(path, `it holds the path '${name}'`);
    if (type === 'symlink') {
      const target = entry.header.linkname ?? '';
      entry.resume();
      if (target === '' || target.startsWith('/') || !isInside(join(dirname(inside), target)))
        throw unusable(path, `its link ${inside} leads out of it, to '${target}'`);
      return { path: inside, mode: '120000', content: Buffer.from(target) };
    }
    if (type !== 'file' && type !== 'contiguous-file') throw unusable(path, `'${name}' is a ${type}`);
    if (size > mostBytes) throw unusable(path, `'${name}' has ${size} bytes`);
    return {
      path: inside,
      mode: mode & 0o100 ? '100755' : '100644',
      content: await buffer(entry as unknown as AsyncIterable<Uint8Array>),
    };
  }
}

/** Below a link a path would lead to another place than it says. */
function refuseBelowFiles(path: string, files: ReadonlyMap<string, SourceFile>): void {
  for (const inside of files.keys())
    for (let above = dirname(inside); above !== '.'; above = dirname(above))
      if (files.has(above)) throw unusable(path, `it holds ${inside}, and ${above} is no folder`);
}

/** Whether a path is a plain one below the folder: nothing that a file system would read as another place. */
function isInside(path: string): boolean {
  return (
    path !== '' &&
    path !== '..' &&
    !path.startsWith('../') &&
    !path.startsWith('/') &&
    normalize(path) === path
  );
}

const unusable = (path: string, why: string, cause?: unknown): UserError =>
  new UserError('CHECKSUM', `The archive ${path} cannot be used: ${why}`, { cause });
