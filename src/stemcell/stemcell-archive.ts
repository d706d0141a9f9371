import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Header, type Pack, pack } from 'tar-stream';
import { stringify } from 'yaml';
import type { RawDisk } from './disk-image.ts';
import type { GuestEntry } from './guest-tree.ts';

/** One entry of an archive, and for a file what is in it. */
interface ArchiveEntry {
  readonly header: Partial<Header> & { readonly name: string };
  open?(): AsyncIterable<Uint8Array>;
}

/** What stemcell.MF says of the stemcell (contract 3). */
export interface StemcellFacts {
  readonly name: string;
  readonly version: string;
  readonly operatingSystem: string;
  readonly stemcellFormats: readonly string[];
  /** Besides name and version. */
  readonly cloudProperties: Readonly<Record<string, unknown>>;
}

const epoch = new Date(1_700_000_000_000);
const usualLevel = 6;

/** Writes the `image` of a stemcell for machines: a gzip'd tar of root.img (contract 3). Gives its SHA-1. */
export async function writeDiskImage(path: string, disk: RawDisk, signal?: AbortSignal): Promise<string> {
  const file = fileEntry('root.img', disk.sizeBytes, () => disk.open());
  return await writeTarGz(path, [file], usualLevel, signal);
}

/** Writes the `image` of a stemcell for containers: a gzip'd tar of the tree itself (contract 3). Gives its SHA-1. */
export async function writeTreeImage(
  path: string,
  tree: readonly GuestEntry[],
  signal?: AbortSignal,
): Promise<string> {
  const root: GuestEntry = { kind: 'folder', path: '', mode: 0o755 };
  return await writeTarGz(path, [root, ...tree].map(treeEntry), usualLevel, signal);
}

/** An entry of the guest's root, called `./bin/sh` and not `/bin/sh`, as tar does of `.`; all but folders belong to root. */
function treeEntry(entry: GuestEntry): ArchiveEntry {
  const name = `.${entry.path}`;
  switch (entry.kind) {
    case 'folder': {
      const owner = entry.owner ?? 0;
      return { header: { name: `${name}/`, type: 'directory', mode: entry.mode, uid: owner, gid: owner } };
    }
    case 'file':
      return fileEntry(name, entry.content.length, () => once(entry.content), entry.mode);
    case 'link':
      return { header: { name, type: 'symlink', mode: 0o777, linkname: entry.target } };
  }
}

function fileEntry(
  name: string,
  size: number,
  open: () => AsyncIterable<Uint8Array>,
  mode = 0o644,
): ArchiveEntry {
  return { header: { name, size, mode }, open };
}

/** Writes the stemcell's .tgz from a finished image. */
export async function writeStemcell(
  path: string,
  image: { path: string; sha1: string },
  facts: StemcellFacts,
  signal?: AbortSignal,
): Promise<void> {
  const manifest = Buffer.from(stringify(stemcellManifest(facts, image.sha1)));
  const { size } = await stat(image.path);
  const files = [
    fileEntry('stemcell.MF', manifest.length, () => once(manifest)),
    fileEntry('image', size, () => createReadStream(image.path) as AsyncIterable<Uint8Array>),
  ];
  // the image is packed already: a second round would only take time
  await writeTarGz(path, files, 1, signal);
}

/** The content of stemcell.MF, for an agent that takes disk hints (api_version 3). */
function stemcellManifest(facts: StemcellFacts, imageSha1: string): Record<string, unknown> {
  const { name, version, operatingSystem, stemcellFormats, cloudProperties } = facts;
  return {
    name,
    version,
    bosh_protocol: '1',
    api_version: 3,
    sha1: imageSha1,
    operating_system: operatingSystem,
    stemcell_formats: stemcellFormats,
    cloud_properties: { name, version, ...cloudProperties },
  };
}

async function writeTarGz(
  path: string,
  entries: readonly ArchiveEntry[],
  level: number,
  signal?: AbortSignal,
): Promise<string> {
  const archive = pack();
  const sha1 = createHash('sha1');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sha1.update(chunk);
      done(null, chunk);
    },
  });
  const writing = pipeline(
    archive,
    createGzip({ level }),
    hashing,
    createWriteStream(path),
    signal ? { signal } : {},
  );
  const filling = (async () => {
    for (const entry of entries) await fill(archive, entry, signal);
    archive.finalize();
  })();
  await Promise.all([writing, filling]);
  return sha1.digest('hex');
}

/** Puts an entry in, with the same time for all, so that the same entries give the same bytes. */
async function fill(archive: Pack, { header, open }: ArchiveEntry, signal?: AbortSignal): Promise<void> {
  const sink = archive.entry({ ...header, mtime: epoch });
  if (open) await pipeline(open(), sink, signal ? { signal } : {});
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
