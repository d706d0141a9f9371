import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, symlink } from 'node:fs/promises';
import { deviceLinks } from '../../../platform/device-links.ts';
import { errnoOf } from '../../../platform/errors.ts';
import { readTextIfThere } from '../../../platform/files.ts';
import { run } from '../../../platform/process.ts';
import { waitFor } from '../../../platform/retry.ts';
import type { DiskCid } from '../../backend.ts';

/** The kernel takes a container's mounts away shortly after its last process. */
const settleMs = 5_000;

/**
 * The path by which a domain's definition names a disk: a link to its loop device. It lies in memory as the devices do: after
 * a reboot of the machine it is gone, so that a number in an old definition never leads to somebody else's file.
 */
export const diskLink = (disk: DiskCid): string => `${deviceLinks}/${disk}`;

/** The loop device that shows the file `path`: `/dev/loop3`; undefined if none does. */
export async function loopDeviceOf(path: string): Promise<string | undefined> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const files = await Promise.all(
    names.map(async (name) => (await readTextIfThere(`/sys/block/${name}/loop/backing_file`))?.trimEnd()),
  );
  const at = files.indexOf(path);
  return at < 0 ? undefined : `/dev/${names[at]}`;
}

/** Makes a disk's file a device with a link to it; idempotent. Hold the disk's lock. */
export async function openLoopDevice(disk: DiskCid, path: string): Promise<void> {
  const device = (await loopDeviceOf(path)) ?? (await newLoopDevice(path));
  const link = diskLink(disk);
  await mkdir(deviceLinks, { recursive: true });
  await rm(`${link}.new`, { force: true }); // a killed call left it
  await symlink(device, `${link}.new`);
  await rename(`${link}.new`, link);
}

async function newLoopDevice(path: string): Promise<string> {
  return (await run(['losetup', '--find', '--show', '--nooverlap', path])).stdout.trim();
}

/** Takes a disk's device away, as soon as nobody has it open; false if somebody keeps it. Idempotent. */
export async function closeLoopDevice(disk: DiskCid, path: string): Promise<boolean> {
  const device = await loopDeviceOf(path);
  if (device !== undefined && !(await detachLoopDevice(device, path))) return false;
  await rm(diskLink(disk), { force: true });
  return true;
}

async function detachLoopDevice(device: string, path: string): Promise<boolean> {
  if (!(await isIdle(device))) return false;
  await run(['losetup', '--detach', device], { okExitCodes: [1] }); // 1: it went by itself
  const gone = async () => ((await loopDeviceOf(path)) === undefined ? true : undefined);
  return (await waitFor(gone, { timeoutMs: settleMs, intervalMs: 20 })) ?? false;
}

/** Lets a device show what its file has grown by. */
export async function readSizeAnew(device: string): Promise<void> {
  await run(['losetup', '--set-capacity', device]);
}

/** Whether no file system on a device is mounted, in no container and nowhere else; waits for one that is on its way out. */
export async function isIdle(device: string): Promise<boolean> {
  const idle = async () => ((await isMounted(device)) ? undefined : true);
  return (await waitFor(idle, { timeoutMs: settleMs, intervalMs: 20 })) ?? false;
}

/** Whether a file system on it is mounted anywhere: the kernel gives a device to one owner alone, and a mount is one. */
export async function isMounted(device: string): Promise<boolean> {
  try {
    await (await open(device, constants.O_RDONLY | constants.O_EXCL)).close();
    return false;
  } catch (error) {
    if (errnoOf(error) === 'EBUSY') return true;
    if (['ENXIO', 'ENOENT'].includes(errnoOf(error) ?? '')) return false; // it went by itself
    throw error;
  }
}
