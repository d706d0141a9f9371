/** How a disk carries its file system, which is ext4. */
export interface DiskLayout {
  /** The device that the disk's file system is on: the disk itself or a partition of it. */
  fileSystemOf(disk: string): string;
  /** Sees to it that the file system is there and as large as the disk, as far as that is the agent's to do; gives its device. */
  prepare(disk: string): Promise<string>;
}
