import { inflateSync } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { ImageFault } from './image-error.ts';

const sectorBytes = 512;
const hasMarkers = 1 << 17;
const isCompressed = 1 << 16;
/** Before a grain's bytes: where it belongs (64 bits, in sectors) and how long it is (32 bits). */
const grainHeadBytes = 12;
/** What deflate may add to what it cannot pack. */
const slackBytes = 64 * 1024;
/** What a metadata marker stands before; the end has no sectors after it. */
const endOfStream = 0;
/** Holes are passed on in steps of this. */
const zeroes = Buffer.alloc(1024 * 1024);

interface VmdkHeader {
  readonly capacityBytes: number;
  readonly grainBytes: number;
  /** Where the first marker is. */
  readonly startBytes: number;
}

/**
 * The disk in a stream-optimized VMDK, as vsphere stemcells hold it (VMware's "Virtual Disk Format 5.0", "Stream-Optimized Compressed
 * Sparse Extents"): pieces of the disk, each deflated by itself and in their order, so that neither a temporary file nor
 * qemu-img is needed. Throws an ImageFault for another kind of VMDK and for a damaged one.
 */
export async function* vmdkDisk(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  await using reader = new ByteReader(chunks);
  const { capacityBytes, grainBytes, startBytes } = parseHeader(await reader.peek(sectorBytes));
  await reader.skip(startBytes);
  let written = 0;
  for await (const { at, content } of grains(reader, grainBytes)) {
    if (at < written || at >= capacityBytes) throw new ImageFault('is damaged: its VMDK is out of order');
    yield* hole(at - written);
    const part = content.subarray(0, capacityBytes - at);
    yield part;
    written = at + part.length;
  }
  yield* hole(capacityBytes - written);
  for await (const _ of reader.pass()); // what the writer filled its last block up with
}

/** Throws an ImageFault for a VMDK that cannot be read as a stream. */
export function refuseOtherVmdk(head: Buffer): void {
  parseHeader(head);
}

function parseHeader(head: Buffer): VmdkHeader {
  if (head.length < 80) throw new ImageFault('is cut short within its VMDK header');
  const [flags, compression] = [head.readUInt32LE(8), head.readUInt16LE(77)];
  if ((flags & hasMarkers) === 0 || (flags & isCompressed) === 0 || compression !== 1) {
    throw new ImageFault(
      'holds a VMDK that is not stream-optimized, as those in stemcells are: qemu-img convert -O vmdk -o subformat=streamOptimized makes one of it',
    );
  }
  const header = {
    capacityBytes: Number(head.readBigUInt64LE(12)) * sectorBytes,
    grainBytes: Number(head.readBigUInt64LE(20)) * sectorBytes,
    startBytes: Number(head.readBigUInt64LE(64)) * sectorBytes,
  };
  const isSound = Object.values(header).every((bytes) => Number.isSafeInteger(bytes) && bytes > 0);
  if (!isSound || header.grainBytes > 16 * 1024 * 1024)
    throw new ImageFault('is damaged: its VMDK header makes no sense');
  return header;
}

async function* grains(reader: ByteReader, grainBytes: number) {
  for (;;) {
    const marker = await reader.peek(sectorBytes);
    if (marker.length < sectorBytes)
      throw new ImageFault('is cut short: its VMDK ends before its content does');
    const [value, size, type] = [
      Number(marker.readBigUInt64LE(0)),
      marker.readUInt32LE(8),
      marker.readUInt32LE(12),
    ];
    if (size > grainBytes + slackBytes) throw new ImageFault('is damaged: a part of its VMDK is too long');
    if (size > 0) {
      const bytes = await reader.take(padded(grainHeadBytes + size));
      const content = inflated(bytes.subarray(grainHeadBytes, grainHeadBytes + size), grainBytes);
      yield { at: value * sectorBytes, content };
      continue;
    }
    await reader.skip(sectorBytes);
    if (type === endOfStream) return;
    await reader.skip(value * sectorBytes); // tables of where the grains lie, and a copy of the header
  }
}

function inflated(bytes: Buffer, grainBytes: number): Buffer {
  try {
    return inflateSync(bytes, { maxOutputLength: grainBytes });
  } catch (error) {
    throw new ImageFault('is damaged: a part of its VMDK cannot be unpacked', { cause: error });
  }
}

function* hole(bytes: number): Generator<Buffer, void, undefined> {
  for (let left = bytes; left > 0; left -= zeroes.length) yield zeroes.subarray(0, left);
}

const padded = (bytes: number): number => Math.ceil(bytes / sectorBytes) * sectorBytes;
