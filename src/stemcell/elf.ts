import { BugError } from '../platform/errors.ts';

/** Reading 64-bit little-endian ELF programs and libraries (System V ABI, chapters 4 and 5). */

const loadSegment = 1;
const dynamicSegment = 2;
const neededTag = 1n;
const stringTableTag = 5n;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

/** Whether a file is a 64-bit little-endian ELF file. */
export function isElf(file: Buffer): boolean {
  return file.length > 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1;
}

/** The shared libraries that a program or library names in its dynamic section; none for a static one. */
export function neededLibraries(file: Buffer): string[] {
  const segments = segmentsOf(file);
  const dynamic = segments.find(({ type }) => type === dynamicSegment);
  if (!dynamic) return [];
  const entries: { tag: bigint; value: bigint }[] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    entries.push({ tag: file.readBigUInt64LE(at), value: file.readBigUInt64LE(at + 8) });
  }
  const table = entries.find(({ tag }) => tag === stringTableTag);
  if (!table) return [];
  const strings = fileOffset(segments, table.value);
  return entries
    .filter(({ tag }) => tag === neededTag)
    .map(({ value }) => stringAt(file, strings + Number(value)));
}

/**
 * A program without what only linkers and debuggers read: the section table and all behind the last loaded byte. For
 * Node that is a fifth of the file.
 */
export function withoutSymbols(file: Buffer): Buffer {
  const end = Math.max(...segmentsOf(file).map(({ offset, size }) => offset + size));
  const kept = Buffer.from(file.subarray(0, end));
  kept.writeBigUInt64LE(0n, 0x28); // offset of the section table
  kept.writeUInt32LE(0, 0x3c); // number of sections, index of their names
  return kept;
}

function segmentsOf(file: Buffer): Segment[] {
  if (!isElf(file)) throw new BugError('not a 64-bit little-endian ELF file');
  const [start, entrySize, count] = [
    Number(file.readBigUInt64LE(0x20)),
    file.readUInt16LE(0x36),
    file.readUInt16LE(0x38),
  ];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * entrySize;
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      address: file.readBigUInt64LE(at + 16),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
}

function fileOffset(segments: readonly Segment[], address: bigint): number {
  const segment = segments.find(
    ({ type, address: start, size }) =>
      type === loadSegment && address >= start && address < start + BigInt(size),
  );
  if (!segment) throw new BugError(`ELF address 0x${address.toString(16)} lies in no loaded segment`);
  return segment.offset + Number(address - segment.address);
}

function stringAt(file: Buffer, offset: number): string {
  return file.toString('latin1', offset, file.indexOf(0, offset));
}
