import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from './log.ts';
import type { Places } from './places.ts';
import type { RunProgram } from './programs.ts';
import { readText } from './small-files.ts';

/** ext4 file systems on their way into the machine's folders and out. */
export class Filesystems {
  readonly #places: Places;
  readonly #run: RunProgram;
  readonly #log: Log;

  constructor(places: Places, run: RunProgram, log: Log) {
    this.#places = places;
    this.#run = run;
    this.#log = log;
  }

  /** Mounts a device; doing it again is no error, another file system in its place is. */
  async mount(device: string, folder: string): Promise<void> {
    const mounted = await this.mountedAt(folder);
    if (mounted === device) return;
    if (mounted !== undefined) throw new Error(`${mounted} is mounted on ${folder}, ${device} cannot be`);
    await mkdir(folder, { recursive: true });
    await this.#run(['e2fsck', '-p', device], { okExitCodes: [1] });
    await this.#run(['mount', '-t', 'ext4', device, folder]);
    this.#log(`${device} is mounted on ${folder}`);
  }

  /** Makes a file system that is not mounted as large as its device. */
  async grow(device: string): Promise<void> {
    // 1: e2fsck mended something; resize2fs refuses a file system that was not checked
    await this.#run(['e2fsck', '-f', '-p', device], { okExitCodes: [1] });
    await this.#run(['resize2fs', device]);
  }

  async unmount(folder: string): Promise<void> {
    await this.#run(['umount', folder]);
    this.#log(`${folder} is unmounted`);
  }

  async remount(folder: string, access: 'ro' | 'rw'): Promise<void> {
    await this.#run(['mount', '-o', `remount,${access}`, folder]);
  }

  /** The device that is mounted on a folder. */
  async mountedAt(folder: string): Promise<string | undefined> {
    return (await this.#mounts()).find((mount) => mount.folder === folder)?.device;
  }

  async mountPointOf(device: string): Promise<string | undefined> {
    return (await this.#mounts()).find((mount) => mount.device === device)?.folder;
  }

  async #mounts(): Promise<{ device: string; folder: string }[]> {
    const lines = ((await readText(join(this.#places.proc, 'mounts'))) ?? '').split('\n');
    return lines.map((line) => line.split(' ')).map(([device = '', folder = '']) => ({ device, folder }));
  }
}

/** The first bytes of a device; fewer if it is shorter. */
export async function readHead(device: string, bytes: number): Promise<Buffer> {
  await using file = await open(device, 'r');
  const head = Buffer.alloc(bytes);
  const { bytesRead } = await file.read(head, 0, bytes, 0);
  return head.subarray(0, bytesRead);
}
