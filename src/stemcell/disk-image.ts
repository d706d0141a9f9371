import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

const sectorBytes = 512;
const firstSector = 2048;
const bytesPerMb = 1024 * 1024;

export interface PartitionSource {
  readonly path: string;
  /** MBR type: 0x06 for FAT16, 0x83 for Linux. */
  readonly type: number;
  readonly bootable: boolean;
}

export interface RawDisk {
  readonly sizeBytes: number;
  /** The disk from its first byte to its last. */
  open(): AsyncIterable<Uint8Array>;
}

/** A raw disk with the partitions one after another behind a master boot record that starts `bootCode`. */
export async function rawDisk(
  bootCode: Uint8Array,
  partitions: readonly PartitionSource[],
): Promise<RawDisk> {
  const sizes = await Promise.all(partitions.map(async ({ path }) => (await stat(path)).size));
  const head = Buffer.alloc(firstSector * sectorBytes);
  head.set(
    masterBootRecord(
      bootCode,
      partitions.map((partition, index) => ({ ...partition, sizeBytes: sizes[index] ?? 0 })),
    ),
  );
  return {
    sizeBytes: head.length + sizes.reduce((sum, size) => sum + size, 0),
    async *open() {
      yield head;
      for (const { path } of partitions)
        yield* createReadStream(path, { highWaterMark: bytesPerMb }) as AsyncIterable<Uint8Array>;
    },
  };
}

/** The first sector: boot code, a fixed disk signature, the partition table. */
export function masterBootRecord(
  bootCode: Uint8Array,
  partitions: readonly { type: number; bootable: boolean; sizeBytes: number }[],
): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  sector.set(bootCode.subarray(0, 440));
  sector.writeUInt32LE(0xb05b0b05, 440);
  let start = firstSector;
  for (const [index, { type, bootable, sizeBytes }] of partitions.entries()) {
    const at = 446 + index * 16;
    sector.writeUInt8(bootable ? 0x80 : 0, at);
    sector.set([0xfe, 0xff, 0xff], at + 1); // cylinder, head, sector: "see the sector numbers"
    sector.writeUInt8(type, at + 4);
    sector.set([0xfe, 0xff, 0xff], at + 5);
    sector.writeUInt32LE(start, at + 8);
    sector.writeUInt32LE(sizeBytes / sectorBytes, at + 12);
    start += sizeBytes / sectorBytes;
  }
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
