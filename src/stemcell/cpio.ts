/** An entry of an archive: a folder has neither content nor target. */
export interface CpioEntry {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly content?: Uint8Array;
}

const folderType = 0o040000;
const fileType = 0o100000;

/**
 * An archive in the kernel's initramfs format ("newc", Documentation/driver-api/early-userspace/buffer-format.rst). All
 * owners are root and all times 0, so that the same entries give the same bytes.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => record(entry, index + 1));
  return Buffer.concat([...parts, ...record({ path: 'TRAILER!!!', mode: 0 }, 0, 0)]);
}

function record(entry: CpioEntry, inode: number, type = entry.content ? fileType : folderType): Buffer[] {
  const name = Buffer.from(`${entry.path}\0`);
  const size = entry.content?.length ?? 0;
  const fields = [inode, type | entry.mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [
    ...padded(Buffer.concat([header, name])),
    ...(entry.content ? padded(Buffer.from(entry.content)) : []),
  ];
}

function padded(part: Buffer): Buffer[] {
  return [part, Buffer.alloc((4 - (part.length % 4)) % 4)];
}
