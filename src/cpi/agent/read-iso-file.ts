import { CloudError } from '../errors.ts';
import {
  directoryFlag,
  primaryVolumeSector,
  recordHeadBytes,
  rootRecordOffset,
  sectorBytes,
  standardIdentifier,
  suspOffset,
} from './iso9660.ts';
import { nameIn } from './rock-ridge.ts';

interface Extent {
  readonly start: number;
  readonly bytes: number;
}

/**
 * A file of an image that `writeIso9660` made, or undefined if it has no such file. Throws a CloudError for bytes that
 * are no such image.
 */
export function readIsoFile(iso: Buffer, path: string): Buffer | undefined {
  const descriptor = primaryVolumeSector * sectorBytes;
  if (iso.toString('latin1', descriptor + 1, descriptor + 6) !== standardIdentifier) {
    throw new CloudError('CloudError', `A settings drive of ${iso.length} bytes is no ISO 9660 image`);
  }
  let at = { ...extentOf(iso, descriptor + rootRecordOffset), isFolder: true };
  for (const name of path.split('/')) {
    const found = at.isFolder ? [...entries(iso, at)].find((entry) => entry.name === name) : undefined;
    if (!found) return undefined;
    at = found;
  }
  return at.isFolder ? undefined : iso.subarray(at.start, at.start + at.bytes);
}

function* entries(
  iso: Buffer,
  folder: Extent,
): Generator<Extent & { name: string | undefined; isFolder: boolean }> {
  for (let at = folder.start; at < folder.start + folder.bytes; ) {
    const length = iso[at] ?? 0;
    if (length === 0) {
      at += sectorBytes - (at % sectorBytes); // the rest of a sector is empty: a record never lies across the border
      continue;
    }
    const isFolder = ((iso[at + 25] ?? 0) & directoryFlag) !== 0;
    const rockRidge = iso.subarray(at + suspOffset(iso[at + recordHeadBytes - 1] ?? 0), at + length);
    yield { ...extentOf(iso, at), name: nameIn(rockRidge), isFolder };
    at += length;
  }
}

/** Where a record's file lies. Throws if that is outside of the image. */
function extentOf(iso: Buffer, record: number): Extent {
  const end = record + recordHeadBytes;
  const extent = end <= iso.length && {
    start: iso.readUInt32LE(record + 2) * sectorBytes,
    bytes: iso.readUInt32LE(record + 10),
  };
  if (!extent || extent.start + extent.bytes > iso.length) {
    throw new CloudError('CloudError', `A settings drive of ${iso.length} bytes is cut short or damaged`);
  }
  return extent;
}
