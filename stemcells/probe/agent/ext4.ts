/** What is read of an ext4 superblock, which begins 1024 bytes after the file system. */

const superblockAt = 1024;
const magic = 0xef53;
const wideCounts = 0x80;

/** How much of a device has to be read for the functions below. */
export const superblockEnd = superblockAt + 1024;

/** Whether a device that begins with `head` holds an ext4 file system. */
export function isExt4(head: Buffer): boolean {
  return head.length >= superblockEnd && head.readUInt16LE(superblockAt + 0x38) === magic;
}

/** How large blocks are, and all of them together, in bytes. */
export function ext4Size(head: Buffer): { blockBytes: number; bytes: number } {
  const blockBytes = 1024 << head.readUInt32LE(superblockAt + 0x18);
  const wide = (head.readUInt32LE(superblockAt + 0x60) & wideCounts) !== 0;
  const upper = wide ? head.readUInt32LE(superblockAt + 0x150) : 0;
  return { blockBytes, bytes: (upper * 2 ** 32 + head.readUInt32LE(superblockAt + 4)) * blockBytes };
}
