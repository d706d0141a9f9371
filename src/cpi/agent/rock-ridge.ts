/**
 * Rock Ridge: what a POSIX system wants to know about a file and ISO 9660 has no place for. Each entry is two letters, its
 * length, a version and its own fields (SUSP 4.1). Version "RRIP_1991A" is what every reader knows.
 */

const folderType = 0o040000;
const fileType = 0o100000;

/** Permissions, owner (root) and number of links of a file or folder (RRIP 4.1.1). */
export function attributes(kind: 'file' | 'folder', mode: number, links: number): Buffer {
  const type = kind === 'folder' ? folderType : fileType;
  const root = 0;
  return entry('PX', Buffer.concat([type | mode, links, root, root].map(bothOrders32)));
}

/** Time of the last change (RRIP 4.1.6): the one time stamp that we have. */
export function timeStamp(date: Date): Buffer {
  const modifyOnly = 0x02;
  return entry('TF', Buffer.concat([Buffer.from([modifyOnly]), shortDate(date)]));
}

/** The name as it is to be seen (RRIP 4.1.4). */
export function alternateName(name: string): Buffer {
  const noFlags = 0;
  return entry('NM', Buffer.concat([Buffer.from([noFlags]), Buffer.from(name)]));
}

/**
 * What the root folder's own record begins with: that there are such entries (SUSP 5.3), and after which standard
 * (SUSP 5.5). Its texts for people are left out, so that it fits and no continuation area is needed.
 */
export function announcement(): { first: Buffer; last: Buffer } {
  const checkBytes = [0xbe, 0xef];
  const standard = 'RRIP_1991A';
  const [noDescription, noSource, version] = [0, 0, 1];
  return {
    first: entry('SP', Buffer.from([...checkBytes, 0])),
    last: entry(
      'ER',
      Buffer.from([standard.length, noDescription, noSource, version, ...Buffer.from(standard)]),
    ),
  };
}

function entry(signature: string, fields: Buffer): Buffer {
  const version = 1;
  return Buffer.concat([Buffer.from(signature), Buffer.from([fields.length + 4, version]), fields]);
}

/** The name in a record's Rock Ridge entries, or undefined if they hold none. */
export function nameIn(entries: Buffer): string | undefined {
  for (let at = 0; at + 4 <= entries.length; ) {
    const bytes = entries[at + 2] ?? 0;
    if (bytes < 4) return undefined;
    if (entries.toString('latin1', at, at + 2) === 'NM') return entries.toString('utf8', at + 5, at + bytes);
    at += bytes;
  }
  return undefined;
}

/** A number in both byte orders, as ISO 9660 keeps most of its numbers. */
export function bothOrders32(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
}

/** A date of seven bytes in UTC (ECMA-119 9.1.5). */
export function shortDate(date: Date): Buffer {
  const utc = 0;
  return Buffer.from([
    date.getUTCFullYear() - 1900,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    utc,
  ]);
}
