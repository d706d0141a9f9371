import type { ByteReader } from './byte-reader.ts';
import { ImageFault } from './image-error.ts';

const blockBytes = 512;
/** A name or an attribute is never longer in earnest; more would be a way to fill our memory. */
const longestAttributesBytes = 1024 * 1024;
const fileTypes = ['0', '\0', '7'];
/** Entries that say something about others or about the whole, and that we need not know. */
const skippedTypes = ['g', 'V'];

export interface TarEntry {
  readonly name: string;
  /** `sparse`: a file whose holes tar left out. */
  readonly kind: 'file' | 'folder' | 'sparse' | 'other';
  readonly sizeBytes: number;
  /** The name of the file that a hard link is another name of. */
  readonly hardLinkTo?: string;
  /** Its header as it stands in the tar, with what says a long name or more before it. */
  readonly head: readonly Buffer[];
}

/** Whether a block is an entry's head: its own checksum says so (POSIX ustar). */
export function isTarHeader(block: Buffer): boolean {
  if (block.length < blockBytes) return false;
  const sum = block.subarray(0, blockBytes).reduce((all, byte) => all + byte, 0);
  const field = block.subarray(148, 156);
  const blanks = field.length * ' '.charCodeAt(0);
  return octal(field) === field.reduce((left, byte) => left - byte, sum + blanks);
}

/**
 * Walks through a tar as its bytes come by. Our own because it has to pull: look at an entry's first bytes, and pass 2 GiB of
 * it on without a copy or a stream in between.
 */
export class TarReader {
  readonly #reader: ByteReader;
  /** Where the next entry begins. */
  #next: number;

  constructor(reader: ByteReader) {
    this.#reader = reader;
    this.#next = reader.position;
  }

  /** Where the entry that `next` gave ends, with its padding. */
  get endOfEntry(): number {
    return this.#next;
  }

  /** The next entry, its content ahead in the reader; what is left of the one before is skipped. */
  async next(): Promise<TarEntry | undefined> {
    let attributes: Attributes = {};
    const head: Buffer[] = [];
    for (;;) {
      await this.#reader.skip(this.#next - this.#reader.position);
      const block = await this.#reader.peek(blockBytes);
      if (block.length === 0 || block.every((byte) => byte === 0)) return undefined;
      if (!isTarHeader(block)) throw new ImageFault('is damaged: its tar has a broken entry');
      await this.#reader.skip(blockBytes);
      head.push(block);
      const type = String.fromCharCode(block[156] ?? 0);
      const sizeBytes = attributes.size ?? octal(block.subarray(124, 136));
      this.#next = this.#reader.position + padded(sizeBytes);
      const isAbout = ['x', 'L', 'K', ...skippedTypes].includes(type);
      if (!isAbout) return { ...entryOf(block, type, sizeBytes, attributes), head };
      const about = await this.#short(sizeBytes);
      head.push(about);
      if (type === 'x') attributes = { ...attributes, ...paxAttributes(about.subarray(0, sizeBytes)) };
      if (type === 'L') attributes = { ...attributes, path: text(about.subarray(0, sizeBytes)) };
      if (type === 'K') attributes = { ...attributes, link: text(about.subarray(0, sizeBytes)) };
    }
  }

  /** With what fills its last block. */
  async #short(sizeBytes: number): Promise<Buffer> {
    if (sizeBytes > longestAttributesBytes) throw new ImageFault('is damaged: its tar has a broken entry');
    return await this.#reader.take(padded(sizeBytes));
  }
}

/** What a pax header says about the entry after it. */
interface Attributes {
  readonly path?: string;
  readonly link?: string;
  readonly size?: number;
  readonly sparse?: boolean;
}

function entryOf(
  block: Buffer,
  type: string,
  sizeBytes: number,
  attributes: Attributes,
): Omit<TarEntry, 'head'> {
  const prefix = block.toString('latin1', 257, 262) === 'ustar' ? text(block.subarray(345, 500)) : '';
  const shortName = text(block.subarray(0, 100));
  const name = attributes.path ?? (prefix ? `${prefix}/${shortName}` : shortName);
  if (type === 'S' || attributes.sparse) return { name, kind: 'sparse', sizeBytes };
  if (type === '5' || name.endsWith('/')) return { name, kind: 'folder', sizeBytes };
  if (type === '1')
    return { name, kind: 'other', sizeBytes, hardLinkTo: attributes.link ?? text(block.subarray(157, 257)) };
  return { name, kind: fileTypes.includes(type) ? 'file' : 'other', sizeBytes };
}

/** Records `LENGTH KEY=VALUE\n`; LENGTH counts the whole record in bytes. */
function paxAttributes(bytes: Buffer): Attributes {
  const found: { path?: string; link?: string; size?: number; sparse?: boolean } = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at);
    const length = Number(bytes.toString('latin1', at, space));
    if (space < 0 || !(length > 0)) throw new ImageFault('is damaged: its tar has a broken entry');
    const [key = '', ...value] = bytes.toString('utf8', space + 1, at + length - 1).split('=');
    if (key === 'path') found.path = value.join('=');
    if (key === 'linkpath') found.link = value.join('=');
    if (key === 'size') found.size = Number(value.join('='));
    if (key.startsWith('GNU.sparse.')) found.sparse = true;
    at += length;
  }
  return found;
}

const padded = (bytes: number): number => Math.ceil(bytes / blockBytes) * blockBytes;

const text = (field: Buffer): string => {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
};

/** Octal digits; GNU's tar writes what does not fit as a big-endian number behind a set first bit. */
function octal(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(BigInt(`0x${field.toString('hex', 1)}`));
  return Number.parseInt(text(field).trim() || '0', 8);
}
