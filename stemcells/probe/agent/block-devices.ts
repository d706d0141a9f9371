import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Places } from './places.ts';
import type { DiskHint } from './settings.ts';
import { readText, waitFor } from './small-files.ts';

/** virtio-blk keeps 20 bytes of a serial (contract 2.4). */
const serialLength = 20;
const byIdFolder = '/dev/disk/by-id/';

/** Finds the device of a persistent disk by its CID and hint. Waits for a disk that is being plugged in. */
export type FindDisk = (cid: string, hint: DiskHint | undefined, timeoutMs: number) => Promise<string>;

/** At the very path that the hint says. The serial numbers that a container sees are those of the host's disks. */
export const diskAtPath: FindDisk = async (cid, hint, timeoutMs) => {
  const path = typeof hint === 'string' ? hint : hint?.path;
  if (path === undefined || path === '')
    throw new Error(`disk ${cid}: no path says where it is, hint ${JSON.stringify(hint ?? null)}`);
  const found = await waitFor(async () => ((await isThere(path)) ? path : undefined), timeoutMs);
  if (found === undefined) throw new Error(`disk ${cid}: ${path} was not there within ${timeoutMs / 1000} s`);
  return found;
};

/**
 * By the CID as serial number, else by what the hint says. There is no udev here, so links below /dev/disk are read as what
 * they say.
 */
export const diskBySerial =
  (places: Places): FindDisk =>
  (cid, hint, timeoutMs) =>
    findDisk(cid, hint, places, timeoutMs);

async function findDisk(
  cid: string,
  hint: DiskHint | undefined,
  places: Places,
  timeoutMs: number,
): Promise<string> {
  const device = await waitFor(async () => {
    return (
      (await deviceBySerial(cid, places)) ??
      (hint === undefined ? undefined : await deviceByHint(hint, places))
    );
  }, timeoutMs);
  if (device !== undefined) return device;
  const serials = [...(await serialNumbers(places))]
    .map(([name, serial]) => `${name} (${serial})`)
    .join(', ');
  throw new Error(
    `disk ${cid} was not found within ${timeoutMs / 1000} s: hint ${JSON.stringify(hint ?? null)}, disks here: ${serials || 'none'}`,
  );
}

/** The device that a path of settings or of a hint means: /dev/sdX may be /dev/vdX (contract 2.4). */
export async function deviceByPath(path: string, places: Places): Promise<string | undefined> {
  if (path.startsWith(byIdFolder)) {
    const name = path.slice(byIdFolder.length).replace(/^(virtio|scsi-0QEMU_QEMU_HARDDISK|ata-\w+)[-_]/, '');
    return await deviceBySerial(name, places);
  }
  const letter = /^\/dev\/(?:xvd|vd|sd)([a-z]+)$/.exec(path)?.[1];
  const there = new Set(await readdir(join(places.sys, 'block')));
  const names =
    letter === undefined
      ? [path.replace(/^\/dev\//, '')]
      : [path.slice(5), `xvd${letter}`, `vd${letter}`, `sd${letter}`];
  const name = names.find((option) => there.has(option));
  return name === undefined ? undefined : join(places.dev, name);
}

async function deviceByHint(hint: DiskHint, places: Places): Promise<string | undefined> {
  if (typeof hint === 'string') return await deviceByPath(hint, places);
  if (hint.path) return await deviceByPath(hint.path, places);
  const id = hint.id ?? hint.volume_id;
  return id === undefined ? undefined : await deviceBySerial(id, places);
}

async function deviceBySerial(serial: string, places: Places): Promise<string | undefined> {
  if (serial === '') return undefined;
  for (const [name, found] of await serialNumbers(places)) {
    if (found === serial || found === serial.slice(0, serialLength)) return join(places.dev, name);
  }
  return undefined;
}

/** Serial numbers of the disks that have one, by the kernel's names. */
async function serialNumbers({ sys }: Places): Promise<Map<string, string>> {
  const serials = new Map<string, string>();
  for (const name of (await readdir(join(sys, 'block'))).sort()) {
    const serial =
      (await readText(join(sys, 'block', name, 'serial'))) ?? (await scsiSerial(join(sys, 'block', name)));
    if (serial?.trim()) serials.set(name, serial.trim());
  }
  return serials;
}

/** Page 0x80 of a SCSI disk's product data: four bytes, then the serial number. */
async function scsiSerial(block: string): Promise<string | undefined> {
  const page = await readText(join(block, 'device', 'vpd_pg80'));
  return page?.slice(4).replaceAll('\0', '');
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** The disk's size in bytes. */
export async function diskBytes(device: string, { sys }: Places): Promise<number> {
  const name = (await realpath(device)).split('/').at(-1) ?? '';
  return Number((await readText(join(sys, 'class', 'block', name, 'size'))) ?? 0) * 512;
}

/** The device of a disk's first partition. */
export function firstPartition(disk: string): string {
  return /\d$/.test(disk) ? `${disk}p1` : `${disk}1`;
}
