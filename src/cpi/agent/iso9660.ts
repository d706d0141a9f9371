/** What writer and reader of ISO 9660 images share (ECMA-119; Rock Ridge: SUSP and RRIP, IEEE P1281 and P1282). */

/** One file of an image. */
export interface IsoFile {
  /** Slashes between names, none in front: `ec2/latest/user-data`. */
  readonly path: string;
  readonly content: Uint8Array;
  /** Permission bits; 0600 unless said, since what we write holds secrets. */
  readonly mode?: number;
}

export const sectorBytes = 2048;
/** The first 16 sectors belong to whoever boots from the disc. */
export const primaryVolumeSector = 16;
export const standardIdentifier = 'CD001';
/** Where the root folder's record lies within the primary volume descriptor. */
export const rootRecordOffset = 156;
/** Length of a directory record before the name. */
export const recordHeadBytes = 33;
export const directoryFlag = 0x02;

/** Names of a folder itself and of its parent, one byte each. */
export const selfId = Buffer.from([0]);
export const parentId = Buffer.from([1]);

/** Bytes from a record's start to its Rock Ridge part: the name is padded to an even length. */
export const suspOffset = (idBytes: number): number => recordHeadBytes + idBytes + ((idBytes + 1) % 2);
