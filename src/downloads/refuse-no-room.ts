import { mkdir, statfs } from 'node:fs/promises';
import { formatBytes } from '../platform/amounts.ts';
import { UserError } from '../platform/errors.ts';

/** Throws NO_RESOURCES unless so many bytes have room in the folder, which is made: before gigabytes are written, not after. */
export async function refuseNoRoom(name: string, bytes: number, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (bytes <= free) return;
  throw noRoom(`${name} needs ${formatBytes(bytes)} in ${folder}, ${formatBytes(free)} are free`);
}

export const noRoom = (message: string, cause?: unknown): UserError =>
  new UserError('NO_RESOURCES', message, {
    hints: ['boshvirt cache prune deletes downloads that nothing needs; XDG_CACHE_HOME names another place'],
    cause,
  });
