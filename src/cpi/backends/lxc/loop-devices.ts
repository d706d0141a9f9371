import { constants } from 'node:fs';
import { mkdir, open, readdir, realpath, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { deviceLinks } from '../../../platform/device-links.ts';
import { errnoOf } from '../../../platform/errors.ts';
import { linkIfThere, readTextIfThere } from '../../../platform/files.ts';
import { run } from '../../../platform/process.ts';
import { waitFor } from '../../../platform/retry.ts';

/** The kernel takes a container's mounts away shortly after its last process. */
const settleMs = 5_000;

/** A file of the pool that containers have as a device: a VM's own image or a persistent disk. */
export interface LoopFile {
  /** Of the link to its device: a CID, or the name of the volume of a VM's image. */
  readonly name: string;
  readonly path: string;
}

/**
 * The path by which a domain's definition names a device: a link to the loop device that shows the file. It lies in memory as
 * devices do: after a reboot of the machine it is gone, so that a number in an old definition never leads to somebody else's
 * file.
 */
export const deviceLink = (name: string): string => `${deviceLinks}/${name}`;

/** The loop device that shows a file: `/dev/loop3`; undefined if none does. A killed call may have left it without a link. */
export async function loopDeviceOf(file: LoopFile): Promise<string | undefined> {
  const linked = await linkedDeviceOf(file);
  if (linked !== undefined) return linked;
  const path = await kernelPath(file.path);
  return (await loopDevices()).find((each) => each.file === path)?.device;
}

async function linkedDeviceOf({ name, path }: LoopFile): Promise<string | undefined> {
  const link = await linkIfThere(deviceLink(name));
  const device = link && basename(link);
  return device && (await fileOf(device)) === (await kernelPath(path)) ? `/dev/${device}` : undefined;
}

/** All of the machine that show a file. */
export async function loopDevices(): Promise<{ device: string; file: string }[]> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const files = await Promise.all(names.map(fileOf));
  return names.flatMap((name, at) => (files[at] ? [{ device: `/dev/${name}`, file: files[at] }] : []));
}

/** A file's path as the kernel says it, which has no links in it: of one that is gone, too. */
async function kernelPath(path: string): Promise<string> {
  const folder = dirname(path);
  return join(await realpath(folder).catch(() => folder), basename(path));
}

/** The file that a loop device shows, by the name of the device (`loop3`); one that is deleted has a mark behind it. */
export const fileOf = async (device: string): Promise<string | undefined> =>
  (await readTextIfThere(`/sys/block/${device}/loop/backing_file`))?.trimEnd();

/** Makes a file a device with a link to it; idempotent. Hold a lock on what it belongs to. */
export async function openLoopDevice(file: LoopFile): Promise<void> {
  if ((await linkedDeviceOf(file)) !== undefined) return;
  // gives the device of a file that has one, of a killed call, say
  const { stdout } = await run(['losetup', '--find', '--show', '--nooverlap', file.path]);
  const link = deviceLink(file.name);
  await mkdir(deviceLinks, { recursive: true });
  await rm(`${link}.new`, { force: true }); // a killed call left it
  // relative: libvirt looks at it while the host's /dev lies elsewhere
  await symlink(`../${basename(stdout.trim())}`, `${link}.new`);
  await rename(`${link}.new`, link);
}

/** Takes a file's device away, as soon as nobody has it open; false if somebody keeps it. Idempotent. */
export async function closeLoopDevice(file: LoopFile): Promise<boolean> {
  const device = await loopDeviceOf(file);
  if (device !== undefined && !(await detachLoopDevice(device, file.path))) return false;
  await rm(deviceLink(file.name), { force: true });
  return true;
}

async function detachLoopDevice(device: string, path: string): Promise<boolean> {
  if (!(await isIdle(device))) return false;
  await run(['losetup', '--detach', device], { okExitCodes: [1] }); // 1: it went by itself
  const gone = async () => ((await fileOf(basename(device))) === (await kernelPath(path)) ? undefined : true);
  return (await waitFor(gone, { timeoutMs: settleMs, intervalMs: 5 })) ?? false;
}

/** Lets a device show what its file has grown by. */
export async function readSizeAnew(device: string): Promise<void> {
  await run(['losetup', '--set-capacity', device]);
}

/** Whether no file system on a device is mounted, in no container and nowhere else; waits for one that is on its way out. */
export async function isIdle(device: string): Promise<boolean> {
  const idle = async () => ((await isMounted(device)) ? undefined : true);
  return (await waitFor(idle, { timeoutMs: settleMs, intervalMs: 5 })) ?? false;
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
