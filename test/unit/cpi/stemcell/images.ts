/** Disk images and their wrappings, made in memory. */
import { buffer } from 'node:stream/consumers';
import { deflateSync, gzipSync } from 'node:zlib';
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

interface VmdkParts {
  readonly flags?: number;
  /** Grains by number, in the order in which they are written. */
  readonly grains?: readonly (readonly [number: number, content: Buffer])[];
  readonly capacityBytes?: number;
  /** What VMware's tools write behind the grains: tables, the header once more, the end. */
  readonly tail?: boolean;
}

export const grainBytes = 65_536;

/** A stream-optimized VMDK. */
export function vmdk({
  flags = 0x30001,
  grains = [],
  capacityBytes = 4 * grainBytes,
  tail = true,
}: VmdkParts = {}): Buffer {
  const header = Buffer.alloc(sectorBytes);
  header.write('KDMV');
  header.writeUInt32LE(3, 4);
  header.writeUInt32LE(flags, 8);
  header.writeBigUInt64LE(BigInt(capacityBytes / sectorBytes), 12);
  header.writeBigUInt64LE(BigInt(grainBytes / sectorBytes), 20);
  header.writeBigUInt64LE(2n, 64);
  header.writeUInt16LE(1, 77);
  const packed = grains.map(([number, content]) => {
    const bytes = deflateSync(content);
    const grain = Buffer.alloc(Math.ceil((12 + bytes.length) / sectorBytes) * sectorBytes);
    grain.writeBigUInt64LE(BigInt((number * grainBytes) / sectorBytes), 0);
    grain.writeUInt32LE(bytes.length, 8);
    bytes.copy(grain, 12);
    return grain;
  });
  const metadata = (type: number, sectors: number) => {
    const marker = Buffer.alloc((1 + sectors) * sectorBytes, 0xee);
    marker.fill(0, 0, sectorBytes);
    marker.writeBigUInt64LE(BigInt(sectors), 0);
    marker.writeUInt32LE(type, 12);
    return marker;
  };
  const behind = [metadata(1, 4), metadata(2, 1), metadata(3, 1), metadata(0, 0)];
  return Buffer.concat([header, Buffer.alloc(sectorBytes), ...packed, ...(tail ? behind : [])]);
}
