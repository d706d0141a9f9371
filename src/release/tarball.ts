import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

/** One file of a tarball. */
export interface TarballFile {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** 0644 unless said. */
  readonly mode?: number;
}

const epoch = new Date(0);
/** Byte 9 of a gzip header names the system that packed it; 255 is "unknown" (RFC 1952). */
const gzipSystemAt = 9;
const unknownSystem = 255;

/**
 * The bytes of a .tgz with these files in this order: the same on every machine and day. The archive is stored rather than
 * compressed, since zlib's choices differ between processors and releases are a few kB.
 */
export async function tarball(files: readonly TarballFile[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, content, mode = 0o644 } of files) {
    archive.entry({ name, mode, mtime: epoch, uid: 0, gid: 0 }, Buffer.from(content));
  }
  archive.finalize();
  const packed = gzipSync(await buffer(archive), { level: 0 });
  packed[gzipSystemAt] = unknownSystem;
  return packed;
}
