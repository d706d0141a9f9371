import { ImageFault } from './image-error.ts';
import { isQcow2, qcow2VirtualSize } from './qcow2-header.ts';
import { refuseOtherVmdk } from './vmdk-stream.ts';

export type DiskFormat = 'qcow2' | 'raw' | 'vmdk';

export interface DiskFacts {
  readonly format: DiskFormat;
  readonly virtualSizeBytes: number;
}

/** How much of a disk image's start the functions here want to see. */
export const headBytes = 36 * 1024;
const sectorBytes = 512;

/**
 * What a disk image is, by its first bytes. `sizeBytes` is the whole image's; undefined if nobody has counted yet. A raw
 * image has no mark of its own: `expectDisk` says that nothing but a disk is to be expected here, else it must look like
 * one. Throws an ImageFault that says what the bytes are instead.
 */
export function diskFacts(head: Buffer, sizeBytes: number, expectDisk: boolean): DiskFacts {
  if (isQcow2(head)) return { format: 'qcow2', virtualSizeBytes: qcow2VirtualSize(head, sizeBytes) };
  if (startsWith(head, 'KDMV')) {
    refuseOtherVmdk(head);
    return { format: 'vmdk', virtualSizeBytes: vmdkVirtualSize(head) };
  }
  const foreign = foreignFormats.find(({ at, mark }) => head.subarray(at).indexOf(mark) === 0);
  if (foreign) throw new ImageFault(`holds ${foreign.name}, not a disk image (qcow2, raw)`);
  if (isText(head)) throw new ImageFault('holds text, not a disk image (qcow2, raw)');
  if (!expectDisk && !looksLikeDisk(head)) {
    throw new ImageFault(
      'holds no disk image: it is not qcow2, and a raw disk would begin with a boot sector',
    );
  }
  if (sizeBytes === 0 || sizeBytes % sectorBytes !== 0) {
    throw new ImageFault(
      `is no whole disk image: its ${sizeBytes} bytes are not a number of ${sectorBytes}-byte sectors`,
    );
  }
  return { format: 'raw', virtualSizeBytes: sizeBytes };
}

/** A boot sector (of a GUID partition table too), or a file system without partitions. */
function looksLikeDisk(head: Buffer): boolean {
  const hasBootSector = head.length >= sectorBytes && head.readUInt16BE(510) === 0x55aa;
  const hasExt = head.length >= 1082 && head.readUInt16LE(1080) === 0xef53;
  return hasBootSector || hasExt || startsWith(head, 'XFSB');
}

/** Text has no control characters but those of lines; UTF-8's bytes above ASCII pass. */
export function isText(head: Buffer): boolean {
  return head.length > 0 && head.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/** The capacity in sectors, after magic, version and flags (VMware's description of sparse extents). */
function vmdkVirtualSize(head: Buffer): number {
  const bytes = head.length >= 20 ? Number(head.readBigUInt64LE(12)) * sectorBytes : 0;
  if (bytes === 0 || !Number.isSafeInteger(bytes))
    throw new ImageFault('is damaged: its VMDK header has no size');
  return bytes;
}

const startsWith = (head: Buffer, mark: string): boolean => head.toString('latin1', 0, mark.length) === mark;

const foreignFormats = [
  { at: 0, mark: Buffer.from([0x1f, 0x8b]), name: 'another gzip file' },
  { at: 0, mark: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), name: 'an xz file' },
  { at: 0, mark: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), name: 'a zstd file' },
  { at: 0, mark: Buffer.from('BZh'), name: 'a bzip2 file' },
  { at: 0, mark: Buffer.from([0x50, 0x4b, 0x03, 0x04]), name: 'a zip file' },
  { at: 0, mark: Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]), name: 'a 7-Zip file' },
  { at: 0, mark: Buffer.from([0x51, 0x46, 0x49, 0xfb]), name: 'a qcow image of another version' },
  { at: 0, mark: Buffer.from('QED\0'), name: 'a QED image' },
  { at: 0, mark: Buffer.from('vhdxfile'), name: 'a VHDX image' },
  { at: 0, mark: Buffer.from('conectix'), name: 'a VHD image' },
  { at: 64, mark: Buffer.from([0x7f, 0x10, 0xda, 0xbe]), name: 'a VDI image' },
  { at: 0, mark: Buffer.from([0x7f, 0x45, 0x4c, 0x46]), name: 'a program' },
  { at: 257, mark: Buffer.from('ustar'), name: 'another tar' },
  { at: 32769, mark: Buffer.from('CD001'), name: 'an ISO 9660 image' },
] as const;
