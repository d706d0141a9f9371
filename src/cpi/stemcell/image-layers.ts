import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { ByteReader } from './byte-reader.ts';
import { fileBytes, type PackedFile } from './file-bytes.ts';
import { flattenLayers } from './flatten-layers.ts';
import { ImageFault } from './image-error.ts';
import { type TarEntry, TarReader } from './tar-reader.ts';

/** Manifests and configurations are far smaller; layers are far larger. */
const longestJsonBytes = 1024 * 1024;
const digestedName = /^(?:[0-9a-f]{64}(?:\.tar|\.json)?|blobs)(?:\/|$)/;
const layoutFiles = ['manifest.json', 'index.json', 'oci-layout', 'repositories'];

/** A tar's entries by name, with the text of those that may be manifests. */
interface Catalogue {
  readonly names: ReadonlySet<string>;
  readonly texts: ReadonlyMap<string, string>;
}

/** Whether a tar that begins with this entry is an image of a container tool: a docker archive or an OCI layout. */
export const beginsImage = ({ name }: TarEntry): boolean =>
  layoutFiles.includes(plain(name)) || digestedName.test(plain(name));

/** The root directory in such an image: its layers, one upon the other, as a single tar. Throws an ImageFault. */
export async function* layeredTree(file: PackedFile): AsyncGenerator<Buffer, void, undefined> {
  const layers = layersOf(await catalogueOf(file));
  yield* flattenLayers(layers.map((name) => () => layerBytes(file, name)));
}

/** Reads the manifests alone. Throws an ImageFault if they name no layers, or some that are not there. */
export async function inspectLayers(file: PackedFile): Promise<void> {
  layersOf(await catalogueOf(file));
}

async function catalogueOf(file: PackedFile): Promise<Catalogue> {
  const names = new Set<string>();
  const texts = new Map<string, string>();
  await using reader = new ByteReader(fileBytes(file));
  const tar = new TarReader(reader);
  for (let entry = await tar.next(); entry; entry = await tar.next()) {
    if (entry.kind !== 'file') continue;
    names.add(plain(entry.name));
    if (entry.sizeBytes > longestJsonBytes) continue;
    const text = (await reader.peek(entry.sizeBytes)).toString('utf8');
    if (/^\s*[[{]/.test(text)) texts.set(plain(entry.name), text);
  }
  return { names, texts };
}

/** The layers' names in the tar, the lowest first. */
function layersOf(catalogue: Catalogue): string[] {
  const layers = catalogue.texts.has('manifest.json') ? dockerLayers(catalogue) : ociLayers(catalogue);
  const missing = layers.find((name) => !catalogue.names.has(name));
  if (missing !== undefined) throw new ImageFault(`is incomplete: the image's layer ${missing} is not in it`);
  if (layers.length === 0) throw new ImageFault('holds an image without layers');
  return layers;
}

function dockerLayers(catalogue: Catalogue): string[] {
  const manifest = json<readonly { readonly Layers?: readonly string[] }[]>(catalogue, 'manifest.json');
  const [image, ...others] = Array.isArray(manifest) ? manifest : [];
  if (!image || others.length > 0)
    throw new ImageFault(`holds ${others.length + (image ? 1 : 0)} images; a stemcell is one`);
  return (image.Layers ?? []).map(plain);
}

interface Descriptor {
  readonly digest?: string;
  readonly platform?: { readonly architecture?: string; readonly os?: string };
}
interface OciDocument {
  readonly manifests?: readonly Descriptor[];
  readonly layers?: readonly Descriptor[];
}

/** An index names a manifest, or an index of one manifest per platform, which names one (OCI image layout). */
function ociLayers(catalogue: Catalogue): string[] {
  let document = json<OciDocument>(catalogue, 'index.json');
  for (let depth = 0; document.manifests && depth < 3; depth++) {
    document = json<OciDocument>(catalogue, blobOf(chosen(document.manifests)));
  }
  return (document.layers ?? []).map(blobOf);
}

/** Attestations and such are of no platform that runs. */
function chosen(manifests: readonly Descriptor[]): Descriptor {
  const runnable = manifests.filter(({ platform }) => platform === undefined || platform.os === 'linux');
  const own = runnable.filter(({ platform }) => platform?.architecture === architecture());
  const [one, ...others] = own.length > 0 ? own : runnable;
  if (!one || others.length > 0)
    throw new ImageFault(`holds ${runnable.length} images for this machine's kind; a stemcell is one`);
  return one;
}

/** The machine's kind in Go's words, which images use. */
const architecture = (): string => (process.arch === 'x64' ? 'amd64' : process.arch);

function blobOf({ digest = '' }: Descriptor): string {
  const [, algorithm, hex] = /^(\w+):([0-9a-f]+)$/.exec(digest) ?? [];
  if (algorithm === undefined) throw new ImageFault('is damaged: the image names a part without a digest');
  return `blobs/${algorithm}/${hex}`;
}

function json<T>({ texts }: Catalogue, name: string): T {
  try {
    return JSON.parse(texts.get(name) ?? '') as T;
  } catch {
    throw new ImageFault(`holds an image whose ${name} is missing or damaged`);
  }
}

/** One layer's tar, unpacked. */
async function* layerBytes(file: PackedFile, name: string): AsyncGenerator<Buffer, void, undefined> {
  await using reader = new ByteReader(fileBytes(file));
  const tar = new TarReader(reader);
  for (let entry = await tar.next(); entry; entry = await tar.next()) {
    if (plain(entry.name) !== name) continue;
    const mark = Buffer.from(await reader.peek(4));
    const unpack = unpackers.find((each) => mark.subarray(0, each.mark.length).equals(each.mark));
    const packed = reader.pass(entry.sizeBytes);
    yield* unpack ? unpacked(packed, unpack.make()) : packed;
    return;
  }
}

async function* unpacked(
  packed: AsyncIterable<Buffer>,
  by: Transform,
): AsyncGenerator<Buffer, void, undefined> {
  // an error of either is thrown by the loop below, and leaving it early closes both
  pipeline(packed, by, () => {});
  yield* by as AsyncIterable<Buffer>;
}

const unpackers = [
  { mark: Buffer.from([0x1f, 0x8b]), make: () => createGunzip() },
  { mark: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), make: () => createZstdDecompress() },
];

const plain = (name: string): string => name.replace(/^(\.\/)+/, '');
