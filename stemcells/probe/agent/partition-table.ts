/** Master boot records with one partition from 1 MiB to the end of the disk. */

export const sectorBytes = 512;
const firstSector = 2048;
const maxSectors = 2 ** 32 - 1;
const linuxType = 0x83;

export interface Partition {
  readonly startSector: number;
  readonly sectors: number;
}

/** The partitions of a first sector, or undefined if it holds no table. */
export function readPartitions(sector: Buffer): Partition[] | undefined {
  if (sector.length < sectorBytes || sector.readUInt16LE(510) !== 0xaa55) return undefined;
  return [0, 1, 2, 3]
    .map((index) => 446 + index * 16)
    .filter((at) => sector.readUInt8(at + 4) !== 0)
    .map((at) => ({ startSector: sector.readUInt32LE(at + 8), sectors: sector.readUInt32LE(at + 12) }));
}

/** The only partition of a disk of this size. */
export function wholeDiskPartition(diskBytes: number): Partition {
  const sectors = Math.floor(diskBytes / sectorBytes) - firstSector;
  if (sectors < 1) throw new Error(`a disk of ${diskBytes} bytes is too small for a partition`);
  if (sectors > maxSectors)
    throw new Error('disks over 2 TiB need a partition table that the probe agent does not write');
  return { startSector: firstSector, sectors };
}

/** A first sector with that partition in its table. */
export function partitionTable({ startSector, sectors }: Partition): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  const at = 446;
  sector.set([0, 0xfe, 0xff, 0xff, linuxType, 0xfe, 0xff, 0xff], at);
  sector.writeUInt32LE(startSector, at + 8);
  sector.writeUInt32LE(sectors, at + 12);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
