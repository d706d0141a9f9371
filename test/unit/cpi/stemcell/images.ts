/** Disk images and their wrappings, made in memory. */
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

const sectorBytes = 512;

/** Bytes that no format and no text begin with, with a boot sector's signature. */
export function rawDisk(sizeBytes: number): Buffer {
  const disk = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) disk[at] = at * 7919 + (at >> 8);
  disk.writeUInt32BE(0xeb639000, 0);
  disk.writeUInt16BE(0x55aa, sectorBytes - 2);
  return disk;
}

interface Qcow2Fields {
  version?: number;
  backingFile?: string;
  encrypted?: boolean;
  /** Version 3's bits that a reader must know. */
  features?: bigint;
  virtualSizeBytes?: number;
  firstLevelAt?: number;
}

/** A qcow2 header and room for its tables. */
export function qcow2(fields: Qcow2Fields = {}): Buffer {
  const {
    version = 3,
    backingFile,
    virtualSizeBytes = 10 << 20,
    features = 0n,
    firstLevelAt = 0x30000,
  } = fields;
  const image = Buffer.alloc(0x40000);
  image.write('QFI\xfb', 'latin1');
  image.writeUInt32BE(version, 4);
  if (backingFile !== undefined) {
    image.writeBigUInt64BE(0x200n, 8);
    image.writeUInt32BE(backingFile.length, 16);
    image.write(backingFile, 0x200);
  }
  image.writeUInt32BE(16, 20);
  image.writeBigUInt64BE(BigInt(virtualSizeBytes), 24);
  image.writeUInt32BE(fields.encrypted ? 1 : 0, 32);
  image.writeUInt32BE(1, 36);
  image.writeBigUInt64BE(BigInt(firstLevelAt), 40);
  image.writeBigUInt64BE(0x10000n, 48);
  if (version >= 3) image.writeBigUInt64BE(features, 72);
  return image;
}

export type Entry = Partial<Header> & { name: string; content?: Buffer };

export async function tar(...entries: Entry[]): Promise<Buffer> {
  const packing = pack();
  for (const { content, ...header } of entries) packing.entry(header, content ?? Buffer.alloc(0));
  packing.finalize();
  return await buffer(packing);
}

export async function tgz(...entries: Entry[]): Promise<Buffer> {
  return gzipSync(await tar(...entries));
}
