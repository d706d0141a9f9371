import { createHash } from 'node:crypto';

/** A file of a git repository; of a link the content is where it leads. */
export interface SourceFile {
  /** Below the repository's top, with / between. */
  readonly path: string;
  readonly mode: '100644' | '100755' | '120000';
  readonly content: Buffer;
}

/** git's id of the tree with exactly these files: what a commit says of its content. */
export function treeId(files: readonly SourceFile[]): string {
  return idOfTree(files.map((file) => ({ file, words: file.path.split('/') }))).toString('hex');
}

interface Placed {
  readonly file: SourceFile;
  /** What is left of the path in this folder. */
  readonly words: readonly string[];
}

function idOfTree(placed: readonly Placed[]): Buffer {
  const byName = Map.groupBy(placed, ({ words: [name = ''] }) => name);
  const entries = [...byName].map(([name, below]) => {
    const [first] = below as [Placed, ...Placed[]];
    if (first.words.length === 1)
      return { name, sortedAs: name, mode: first.file.mode, id: idOf('blob', first.file.content) };
    const deeper = below.map(({ file, words }) => ({ file, words: words.slice(1) }));
    return { name, sortedAs: `${name}/`, mode: '40000', id: idOfTree(deeper) };
  });
  // by bytes, a folder as if its name ended with a slash
  entries.sort((one, other) => Buffer.compare(Buffer.from(one.sortedAs), Buffer.from(other.sortedAs)));
  return idOf(
    'tree',
    Buffer.concat(entries.flatMap(({ mode, name, id }) => [Buffer.from(`${mode} ${name}\0`), id])),
  );
}

const idOf = (kind: 'blob' | 'tree', content: Buffer): Buffer =>
  createHash('sha1').update(`${kind} ${content.length}\0`).update(content).digest();
