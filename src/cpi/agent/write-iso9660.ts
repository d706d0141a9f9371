import { BugError } from '../../platform/errors.ts';
import { type Folder, folderTree, type Leaf } from './iso-tree.ts';
import {
  directoryFlag,
  type IsoFile,
  parentId,
  primaryVolumeSector,
  recordHeadBytes,
  rootRecordOffset,
  sectorBytes,
  selfId,
  standardIdentifier,
  suspOffset,
} from './iso9660.ts';
import { alternateName, announcement, attributes, bothOrders32, shortDate, timeStamp } from './rock-ridge.ts';

const folderMode = 0o700;
const longestVolumeId = 32;
const maxFileBytes = 0xffff_ffff;

/** Where each folder and file lies, by sector. */
interface Layout {
  readonly root: Folder;
  /** In the path table's order: a folder's number is its index + 1. */
  readonly folders: readonly Folder[];
  readonly extents: ReadonlyMap<Folder | Leaf, { sector: number; bytes: number }>;
  readonly pathTableBytes: number;
  readonly pathTableSectors: number;
  readonly totalSectors: number;
  readonly date: Date;
}

/**
 * Makes an ISO 9660 image with Rock Ridge names: level 1 names for the standard, the real ones for Linux. The same input
 * gives the same bytes. The volume's label is kept as it is, in lower case too, as common tools do: the agent looks for
 * it by that spelling.
 */
export function writeIso9660(
  volumeId: string,
  files: readonly IsoFile[],
  options: { date?: Date } = {},
): Buffer {
  if (Buffer.byteLength(volumeId) > longestVolumeId) {
    throw new BugError(`An ISO 9660 label has at most ${longestVolumeId} bytes: ${volumeId}`);
  }
  const layout = planLayout(folderTree(files), options.date ?? new Date(0));
  const image = Buffer.alloc(layout.totalSectors * sectorBytes);
  writeVolumeDescriptors(image, volumeId, layout);
  writePathTables(image, layout);
  for (const folder of layout.folders) writeFolder(image, folder, layout);
  for (const [node, extent] of layout.extents) {
    if (node.kind === 'file') image.set(node.file.content, extent.sector * sectorBytes);
  }
  return image;
}

function planLayout(root: Folder, date: Date): Layout {
  const folders = breadthFirst(root);
  const leaves = folders.flatMap((folder) => folder.children.filter((child) => child.kind === 'file'));
  const pathTableBytes = folders.reduce((sum, folder) => sum + pathRecord(folder, 'LE', 0, 0).length, 0);
  const pathTableSectors = sectorsFor(pathTableBytes);
  const extents = new Map<Folder | Leaf, { sector: number; bytes: number }>();
  let sector = pathTableSector(0, pathTableSectors) + 2 * pathTableSectors;
  const place = (node: Folder | Leaf, bytes: number) => {
    extents.set(node, { sector, bytes });
    sector += sectorsFor(bytes);
  };
  for (const folder of folders) place(folder, folderBytes(folder, date));
  for (const leaf of leaves) place(leaf, contentBytes(leaf.file));
  return { root, folders, extents, pathTableBytes, pathTableSectors, totalSectors: sector, date };
}

/** The path table's order: by depth, then by the parent's number, then by name (ECMA-119 6.9.1). */
function breadthFirst(root: Folder): Folder[] {
  const folders = [root];
  for (const folder of folders) folders.push(...folder.children.filter((child) => child.kind === 'folder'));
  return folders;
}

function contentBytes(file: IsoFile): number {
  if (file.content.length > maxFileBytes)
    throw new BugError(`${file.path} is too large for an ISO 9660 image`);
  return file.content.length;
}

const sectorsFor = (bytes: number): number => Math.ceil(bytes / sectorBytes);

/** The two descriptors come first, then the path table twice: little endian, big endian. */
const pathTableSector = (copy: 0 | 1, sectorsEach: number): number =>
  primaryVolumeSector + 2 + copy * sectorsEach;

/** All records of a folder, in order: itself, its parent, its children by name. */
function records(
  folder: Folder,
  date: Date,
  extentOf: (node: Folder | Leaf) => { sector: number; bytes: number },
): Buffer[] {
  const { first, last } = announcement();
  const folderEntries = (it: Folder) => [attributes('folder', folderMode, linksOf(it)), timeStamp(date)];
  const own = folder.parent ? folderEntries(folder) : [first, ...folderEntries(folder), last];
  const parent = folder.parent ?? folder;
  return [
    record(selfId, directoryFlag, extentOf(folder), date, own),
    record(parentId, directoryFlag, extentOf(parent), date, folderEntries(parent)),
    ...folder.children.map((child) => {
      const name = alternateName(child.name);
      return child.kind === 'folder'
        ? record(Buffer.from(child.isoName), directoryFlag, extentOf(child), date, [
            ...folderEntries(child),
            name,
          ])
        : record(Buffer.from(child.isoName), 0, extentOf(child), date, [
            attributes('file', child.file.mode ?? 0o600, 1),
            timeStamp(date),
            name,
          ]);
    }),
  ];
}

/** A folder is named by its parent, by itself and by each of its folders. */
const linksOf = (folder: Folder): number =>
  2 + folder.children.filter((child) => child.kind === 'folder').length;

/** A directory record (ECMA-119 9.1) with its Rock Ridge entries. */
function record(
  id: Buffer,
  flags: number,
  extent: { sector: number; bytes: number },
  date: Date,
  entries: readonly Buffer[],
): Buffer {
  const rockRidge = Buffer.concat(entries);
  const start = suspOffset(id.length);
  const length = start + rockRidge.length + (rockRidge.length % 2);
  const bytes = Buffer.alloc(length);
  bytes[0] = length;
  bytes.set(bothOrders32(extent.sector), 2);
  bytes.set(bothOrders32(extent.bytes), 10);
  bytes.set(shortDate(date), 18);
  bytes[25] = flags;
  bytes.set(bothOrders16(1), 28); // the volume that the file is on
  bytes[32] = id.length;
  bytes.set(id, recordHeadBytes);
  bytes.set(rockRidge, start);
  return bytes;
}

/** Size of a folder: whole sectors, and no record lies across the border of two. */
function folderBytes(folder: Folder, date: Date): number {
  const end = placed(records(folder, date, () => ({ sector: 0, bytes: 0 }))).at(-1);
  return sectorsFor((end?.offset ?? 0) + (end?.bytes.length ?? 0)) * sectorBytes;
}

function placed(parts: readonly Buffer[]): { offset: number; bytes: Buffer }[] {
  let at = 0;
  return parts.map((bytes) => {
    const left = sectorBytes - (at % sectorBytes);
    const offset = bytes.length > left ? at + left : at;
    at = offset + bytes.length;
    return { offset, bytes };
  });
}

function writeFolder(image: Buffer, folder: Folder, layout: Layout): void {
  const start = extentIn(layout, folder).sector * sectorBytes;
  const parts = records(folder, layout.date, (node) => extentIn(layout, node));
  for (const { offset, bytes } of placed(parts)) image.set(bytes, start + offset);
}

function extentIn(layout: Layout, node: Folder | Leaf): { sector: number; bytes: number } {
  const extent = layout.extents.get(node);
  if (!extent) throw new BugError(`No place was planned for ${node.name} on the ISO 9660 image`);
  return extent;
}

function writePathTables(image: Buffer, layout: Layout): void {
  const numbers = new Map(layout.folders.map((folder, index) => [folder, index + 1]));
  for (const [copy, order] of [
    [0, 'LE'],
    [1, 'BE'],
  ] as const) {
    const table = layout.folders.map((folder) =>
      pathRecord(folder, order, extentIn(layout, folder).sector, numbers.get(folder.parent ?? folder) ?? 1),
    );
    image.set(Buffer.concat(table), pathTableSector(copy, layout.pathTableSectors) * sectorBytes);
  }
}

function pathRecord(folder: Folder, order: 'LE' | 'BE', sector: number, parent: number): Buffer {
  const id = folder.parent ? Buffer.from(folder.isoName) : selfId;
  const bytes = Buffer.alloc(8 + id.length + (id.length % 2));
  bytes[0] = id.length;
  bytes[`writeUInt32${order}`](sector, 2);
  bytes[`writeUInt16${order}`](parent, 6);
  bytes.set(id, 8);
  return bytes;
}

function writeVolumeDescriptors(image: Buffer, volumeId: string, layout: Layout): void {
  const primary = image.subarray(primaryVolumeSector * sectorBytes, (primaryVolumeSector + 1) * sectorBytes);
  const text = (value: string, from: number, to: number) => primary.fill(' ', from, to).write(value, from);
  const [yes, version] = [1, 1];
  primary[0] = 1; // primary volume descriptor
  primary.write(standardIdentifier, 1);
  primary[6] = version;
  text('LINUX', 8, 40);
  text(volumeId, 40, 72);
  primary.set(bothOrders32(layout.totalSectors), 80);
  primary.set(bothOrders16(1), 120); // volumes in the set
  primary.set(bothOrders16(1), 124); // number of this volume
  primary.set(bothOrders16(sectorBytes), 128);
  primary.set(bothOrders32(layout.pathTableBytes), 132);
  primary.writeUInt32LE(pathTableSector(0, layout.pathTableSectors), 140);
  primary.writeUInt32BE(pathTableSector(1, layout.pathTableSectors), 148);
  primary.set(
    record(selfId, directoryFlag, extentIn(layout, layout.root), layout.date, []),
    rootRecordOffset,
  );
  text('', 190, 574); // volume set, publisher, preparer
  text('BOSHVIRT', 574, 702);
  text('', 702, 813); // copyright, abstract and bibliographic files
  primary.set(longDate(layout.date), 813);
  primary.set(longDate(layout.date), 830);
  primary.set(noDate, 847);
  primary.set(noDate, 864);
  primary[881] = version;
  const terminator = image.subarray((primaryVolumeSector + 1) * sectorBytes);
  terminator[0] = 255;
  terminator.write(standardIdentifier, 1);
  terminator[6] = yes;
}

function bothOrders16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}

/** A date of 17 bytes in UTC: digits down to hundredths, then the zone (ECMA-119 8.4.26.1). */
function longDate(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/\D/g, '').slice(0, 16);
  return Buffer.from(`${digits}\0`);
}

const noDate = Buffer.from(`${'0'.repeat(16)}\0`);
