import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { stringify } from 'yaml';
import type { RawDisk } from './disk-image.ts';

/** One file of an archive. */
interface ArchiveFile {
  readonly name: string;
  readonly sizeBytes: number;
  open(): AsyncIterable<Uint8Array>;
}

/** What stemcell.MF says of the stemcell (contract 3). */
export interface StemcellFacts {
  readonly name: string;
  readonly version: string;
  readonly operatingSystem: string;
  readonly diskMb: number;
}

const epoch = new Date(1_700_000_000_000);

/** Writes the stemcell's `image`: a gzip'd tar of root.img (contract 3). Gives its SHA-1. */
export async function writeImage(path: string, disk: RawDisk, signal?: AbortSignal): Promise<string> {
  return await writeTarGz(
    path,
    [{ name: 'root.img', sizeBytes: disk.sizeBytes, open: () => disk.open() }],
    6,
    signal,
  );
}

/** Writes the stemcell's .tgz from a finished image. */
export async function writeStemcell(
  path: string,
  image: { path: string; sha1: string },
  facts: StemcellFacts,
  signal?: AbortSignal,
): Promise<void> {
  const manifest = Buffer.from(stringify(stemcellManifest(facts, image.sha1)));
  const files: ArchiveFile[] = [
    { name: 'stemcell.MF', sizeBytes: manifest.length, open: () => once(manifest) },
    {
      name: 'image',
      sizeBytes: (await stat(image.path)).size,
      open: () => createReadStream(image.path) as AsyncIterable<Uint8Array>,
    },
  ];
  // the image is packed already: a second round would only take time
  await writeTarGz(path, files, 1, signal);
}

/** The content of stemcell.MF: a raw disk for QEMU, with an agent that takes disk hints (api_version 3). */
function stemcellManifest(facts: StemcellFacts, imageSha1: string): Record<string, unknown> {
  const { name, version, operatingSystem, diskMb } = facts;
  return {
    name,
    version,
    bosh_protocol: '1',
    api_version: 3,
    sha1: imageSha1,
    operating_system: operatingSystem,
    stemcell_formats: ['openstack-raw'],
    cloud_properties: {
      name,
      version,
      infrastructure: 'openstack',
      hypervisor: 'kvm',
      disk: diskMb,
      disk_format: 'raw',
      container_format: 'bare',
      os_type: 'linux',
      os_distro: 'debian',
      architecture: 'x86_64',
      auto_disk_config: true,
    },
  };
}

async function writeTarGz(
  path: string,
  files: readonly ArchiveFile[],
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
    for (const file of files) {
      const entry = archive.entry({
        name: file.name,
        size: file.sizeBytes,
        mode: 0o644,
        mtime: epoch,
        uid: 0,
        gid: 0,
      });
      await pipeline(file.open(), entry, signal ? { signal } : {});
    }
    archive.finalize();
  })();
  await Promise.all([writing, filling]);
  return sha1.digest('hex');
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
