import { BugError } from '../../platform/errors.ts';
import type { IsoFile } from './iso9660.ts';

/** A folder or a file of an image, with its real name and the one that ISO 9660 level 1 allows. */
export interface Folder {
  readonly kind: 'folder';
  readonly name: string;
  readonly isoName: string;
  readonly parent: Folder | undefined;
  /** Sorted by `isoName`, as the standard asks. */
  readonly children: (Folder | Leaf)[];
}

export interface Leaf {
  readonly kind: 'file';
  readonly name: string;
  readonly isoName: string;
  readonly file: IsoFile;
}

/** A directory record has 255 bytes at most; names that would not fit beside the other entries are refused. */
const longestNameBytes = 128;
/** The root folder counts (ECMA-119 6.8.2.1). */
const deepestLevel = 8;

/** Sorts files into folders. Throws a BugError for a path that no image can hold. */
export function folderTree(files: readonly IsoFile[]): Folder {
  return folderOf(
    '',
    '',
    undefined,
    files.map((file) => ({ names: namesOf(file.path), file })),
  );
}

interface Placed {
  readonly names: readonly string[];
  readonly file: IsoFile;
}

function namesOf(path: string): string[] {
  const names = path.split('/');
  const bad = names.find(
    (name) => name === '' || name === '.' || name === '..' || Buffer.byteLength(name) > longestNameBytes,
  );
  if (bad !== undefined || names.length > deepestLevel)
    throw new BugError(`No path for an ISO 9660 image: ${path}`);
  return names;
}

function folderOf(
  name: string,
  isoName: string,
  parent: Folder | undefined,
  files: readonly Placed[],
): Folder {
  const folder: Folder = { kind: 'folder', name, isoName, parent, children: [] };
  const groups = Map.groupBy(files, (placed) => placed.names[0] ?? '');
  const taken = new Set<string>();
  for (const [childName, group] of groups) {
    const leaf = group.find((placed) => placed.names.length === 1);
    if (leaf && group.length > 1)
      throw new BugError(`Two entries for ${leaf.file.path} on an ISO 9660 image`);
    folder.children.push(
      leaf
        ? {
            kind: 'file',
            name: childName,
            isoName: `${freeName(childName, taken, 'file')};1`,
            file: leaf.file,
          }
        : folderOf(childName, freeName(childName, taken, 'folder'), folder, group.map(withoutFirstName)),
    );
  }
  folder.children.sort((a, b) => (a.isoName < b.isoName ? -1 : 1));
  return folder;
}

const withoutFirstName = (placed: Placed): Placed => ({ names: placed.names.slice(1), file: placed.file });

/** A level 1 name (eight characters, a dot, three) that no neighbour has; a number replaces its end if need be. */
function freeName(name: string, taken: Set<string>, kind: 'file' | 'folder'): string {
  const dot = kind === 'file' ? name.lastIndexOf('.') : -1;
  const stem = allowed(dot > 0 ? name.slice(0, dot) : name);
  const ending = kind === 'file' ? `.${allowed(dot > 0 ? name.slice(dot + 1) : '').slice(0, 3)}` : '';
  for (let number = 0; ; number++) {
    const suffix = number === 0 ? '' : String(number);
    const free = `${stem.slice(0, 8 - suffix.length)}${suffix}${ending}`;
    if (taken.has(free)) continue;
    taken.add(free);
    return free;
  }
}

const allowed = (text: string): string => text.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
