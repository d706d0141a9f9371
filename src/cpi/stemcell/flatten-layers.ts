import { ByteReader } from './byte-reader.ts';
import { ImageFault } from './image-error.ts';
import { type TarEntry, TarReader } from './tar-reader.ts';

/** Marks of a layer (OCI image specification, layer.md): a name that is no more, and a folder of which nothing below counts. */
const whiteout = '.wh.';
const opaqueMark = '.wh..wh..opq';
const endOfTar = Buffer.alloc(1024);

type Layer = () => AsyncIterable<Buffer>;

/**
 * One tar of the files that layers, the lowest first, show when they lie one upon the other. Goes from the top, so that what
 * a layer hides is never written. Throws an ImageFault for what cannot be told that way.
 */
export async function* flattenLayers(layers: readonly Layer[]): AsyncGenerator<Buffer, void, undefined> {
  const above = new Above();
  for (const layer of layers.toReversed()) {
    const marks: string[] = [];
    const shown = new Set<string>();
    await using reader = new ByteReader(layer());
    const tar = new TarReader(reader);
    for (let entry = await tar.next(); entry; entry = await tar.next()) {
      const path = pathOf(entry);
      if (nameIn(path).startsWith(whiteout)) marks.push(path);
      else if (above.shows(path)) {
        refuseCutLink(path, entry, shown);
        shown.add(path);
        above.add(path, entry.kind === 'folder');
        yield* entry.head;
        yield* reader.pass(tar.endOfEntry - reader.position);
      }
    }
    for (const mark of marks) above.hide(mark); // they hide what lies below, not what their own layer has
  }
  yield endOfTar;
}

/** What the layers above the one at hand have and hide. */
class Above {
  /** By path; true: a folder, in which lower layers show through. */
  readonly #there = new Map<string, boolean>();
  readonly #gone = new Set<string>();
  readonly #opaque = new Set<string>();

  add(path: string, isFolder: boolean): void {
    this.#there.set(path, isFolder);
  }

  hide(mark: string): void {
    const folder = folderOf(mark);
    if (nameIn(mark) === opaqueMark) this.#opaque.add(folder);
    else this.#gone.add(join(folder, nameIn(mark).slice(whiteout.length)));
  }

  shows(path: string): boolean {
    if (this.#there.has(path) || this.#gone.has(path)) return false;
    for (let folder = folderOf(path); ; folder = folderOf(folder)) {
      if (this.#opaque.has(folder) || this.#gone.has(folder)) return false;
      if (this.#there.get(folder) === false) return false; // a file or a link took the folder's place
      if (folder === '') return true;
    }
  }
}

/** A hard link to a file that layers above replace or hide: what it names is not to be had in one pass from the top. */
function refuseCutLink(path: string, { hardLinkTo }: TarEntry, shown: ReadonlySet<string>): void {
  if (hardLinkTo === undefined || shown.has(pathOf({ name: hardLinkTo }))) return;
  throw new ImageFault(
    `holds a hard link ${path} to ${hardLinkTo}, which another layer replaces: pack the image as one layer (docker export, say)`,
  );
}

const pathOf = ({ name }: Pick<TarEntry, 'name'>): string =>
  name
    .split('/')
    .filter((part) => !['', '.'].includes(part))
    .join('/');
const nameIn = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
