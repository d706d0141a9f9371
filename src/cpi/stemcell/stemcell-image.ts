import { ByteReader } from './byte-reader.ts';
import { type DiskFacts, type DiskFormat, diskFacts, headBytes, isText } from './disk-format.ts';
import { fileBytes, inspectFile, type PackedFile } from './file-bytes.ts';
import { ImageFault, toImageError } from './image-error.ts';
import { beginsImage, inspectLayers, layeredTree } from './image-layers.ts';
import { isTarHeader, type TarEntry, TarReader } from './tar-reader.ts';

/** A disk's image, or `tree`: the root directory of a container. */
export type ImageFormat = DiskFormat | 'tree';

/** What a stemcell's guests start from, however it is wrapped. */
export interface StemcellImage {
  readonly format: ImageFormat;
  /** Size of the disk that a guest sees; of a tree about what its files take. */
  readonly virtualSizeBytes: number;
  /** How many bytes `open` gives. */
  readonly sizeBytes: number | undefined;
  /**
   * The image from its start, or a tree as one tar, in one pass over the file. Throws a CloudError in the midst of it for a
   * damaged file.
   */
  open(): AsyncIterable<Uint8Array>;
}

/** GNU's tar fills its output up to a multiple of this; two empty blocks end it. */
const tarEndBytes = 10_240 + 1024;
const gzipSizeModulus = 2 ** 32;

/**
 * Finds the image in what create_stemcell is given (contract 3): a gzip'd tar, a tar, a gzip'd image, or an image; a tar may
 * hold a disk image, a tree of files or a container tool's image. Goes by content, never by name. Throws a CloudError for anything else; a file that shows signs of being incomplete is
 * read to its end first, so that the fault is said before anything is made of it.
 */
export async function openStemcellImage(path: string): Promise<StemcellImage> {
  try {
    const file = await inspectFile(path);
    const found = await findIn(file);
    if (found.kind !== 'disk') return await treeIn(file, found.kind);
    const open = () => imageIn(file);
    if (found.suspicious) for await (const _ of open());
    return { ...found.disk, sizeBytes: found.sizeBytes, open };
  } catch (error) {
    throw toImageError(path, error);
  }
}

/** `layers`: a tree, of which a container tool has packed the layers. */
type Found = DiskFound | { readonly kind: 'tree' | 'layers' };

interface DiskFound {
  readonly kind: 'disk';
  readonly disk: DiskFacts;
  readonly sizeBytes: number;
  /** The file is longer or shorter than a tar of this one image would be. */
  readonly suspicious: boolean;
}

async function findIn(file: PackedFile): Promise<Found> {
  await using reader = new ByteReader(fileBytes(file));
  if (!isTarHeader(await reader.peek(headBytes))) return await bareImage(file, reader);
  const tar = new TarReader(reader);
  const first = await firstImage(tar, reader);
  if (typeof first === 'string') return { kind: first };
  const { disk, entry } = first;
  const surplus = file.claimedBytes - tar.endOfEntry;
  const beyond = file.gzip ? modulo(surplus, gzipSizeModulus) : surplus;
  return { kind: 'disk', disk, sizeBytes: entry.sizeBytes, suspicious: beyond < 0 || beyond > tarEndBytes };
}

/** How long an unpacked image is can only be counted: gzip keeps it modulo 4 GiB. */
async function bareImage(file: PackedFile, reader: ByteReader): Promise<DiskFound> {
  const head = Buffer.from(await reader.peek(headBytes));
  const sizeBytes = file.gzip ? await countBytes(reader) : file.fileBytes;
  return { kind: 'disk', disk: diskFacts(head, sizeBytes, false), sizeBytes, suspicious: false };
}

async function countBytes(reader: ByteReader): Promise<number> {
  for await (const _ of reader.pass());
  return reader.position;
}

type FirstImage = { readonly disk: DiskFacts; readonly entry: TarEntry } | 'tree' | 'layers';

/** The first entry of a tar that is a disk image. Texts beside it (an OVF description, checksums) are passed over. */
async function firstImage(tar: TarReader, reader: ByteReader): Promise<FirstImage> {
  for (let entry = await tar.next(); entry; entry = await tar.next()) {
    refuseOtherTars(entry);
    if (beginsImage(entry)) return 'layers';
    if (isOfTree(entry)) return 'tree';
    if (entry.kind === 'folder') continue;
    const head = await reader.peek(Math.min(headBytes, entry.sizeBytes));
    if (!isBeside(head)) return { disk: diskFacts(head, entry.sizeBytes, true), entry };
  }
  throw new ImageFault('holds no disk image: its tar has none');
}

/** Whether a tar's entry goes with an image and is none. */
const isBeside = (head: Buffer): boolean => head.length === 0 || isText(head);

/** Disk images lie at the top of their tar, beside nothing but files. */
const isOfTree = ({ name, kind }: TarEntry): boolean =>
  kind === 'other' || (kind === 'folder' && !['.', './'].includes(name));

function refuseOtherTars({ name, kind }: TarEntry): void {
  if (name.endsWith('stemcell.MF'))
    throw new ImageFault('is a whole stemcell: the file named image inside of it is what is wanted');
  if (kind === 'sparse')
    throw new ImageFault(
      `holds ${name} as a sparse tar entry, which is not supported: pack it without --sparse`,
    );
}

async function treeIn(file: PackedFile, kind: 'tree' | 'layers'): Promise<StemcellImage> {
  if (kind === 'layers') await inspectLayers(file);
  const open = () => treeBytes(file, kind);
  return { format: 'tree', virtualSizeBytes: file.claimedBytes, sizeBytes: file.claimedBytes, open };
}

async function* treeBytes(
  file: PackedFile,
  kind: 'tree' | 'layers',
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* kind === 'layers' ? layeredTree(file) : fileBytes(file);
  } catch (error) {
    throw toImageError(file.path, error);
  }
}

async function* imageIn(file: PackedFile): AsyncGenerator<Buffer, void, undefined> {
  try {
    await using reader = new ByteReader(fileBytes(file));
    if (!isTarHeader(await reader.peek(headBytes))) return yield* reader.pass();
    const tar = new TarReader(reader);
    const first = await firstImage(tar, reader);
    if (typeof first === 'string') throw new ImageFault('has changed while it was read');
    yield* reader.pass(first.entry.sizeBytes);
    await refuseSecondImage(first.entry, tar, reader);
    for await (const _ of reader.pass()); // to the end: only there gzip's checksum is compared
  } catch (error) {
    throw toImageError(file.path, error);
  }
}

async function refuseSecondImage(first: TarEntry, tar: TarReader, reader: ByteReader): Promise<void> {
  for (let entry = await tar.next(); entry; entry = await tar.next()) {
    if (entry.kind === 'folder' || isBeside(await reader.peek(Math.min(headBytes, entry.sizeBytes))))
      continue;
    throw new ImageFault(`holds more than one disk image: ${first.name} and ${entry.name}`);
  }
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by;
