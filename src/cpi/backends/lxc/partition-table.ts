import { open } from 'node:fs/promises';

const signature = { at: 510, bytes: [0x55, 0xaa] } as const;
const label = { at: 440, bytes: Buffer.from('BOSH') } as const;

/**
 * Writes an MBR without partitions in front of an ext4 file system, into the sector that this leaves to boot loaders. At its
 * start a bosh-agent mounts its last disk again only if `sfdisk -d` has more than four lines to say of it, also if it then
 * mounts the disk as a whole, as containers' agents do (IsPersistentDiskMountable in bosh-agent). The kernel, which sees no
 * partition in it either, and all that knows ext4 go on finding the file system.
 */
export async function writeEmptyPartitionTable(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  for (const { at, bytes } of [label, signature])
    await file.write(Uint8Array.from(bytes), 0, bytes.length, at);
}
