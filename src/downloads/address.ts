import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

export const isRemote = (address: string): boolean => /^https?:\/\//i.test(address);

/** The path that `file://` or a path leads to; bosh too cuts the scheme off and expands `~`. */
export function localPath(address: string): string {
  const path = address.replace(/^file:\/\//, '');
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(path);
}

/** An address for people and files: without the name and password that it may hold, up to the last @ before its path. */
export const shownAddress = (address: string): string =>
  address.replace(/^(https?:)[/\\]+[^/\\?#]*@/i, '$1//');
