import { join } from 'node:path';
import type { FindDisk } from './block-devices.ts';
import type { DiskLayout } from './disk-layout.ts';
import type { Filesystems } from './filesystems.ts';
import type { Log } from './log.ts';
import type { Places } from './places.ts';
import type { RunProgram } from './programs.ts';
import { type DiskHint, parseHint } from './settings.ts';
import { messageOf, readText, writeDurably } from './small-files.ts';

const pluggedInTimeoutMs = 20_000;
const atStartTimeoutMs = 10_000;
const goneTimeoutMs = 0;
const copyTimeoutMs = 60 * 60_000;

export interface PersistentDisksParts {
  readonly places: Places;
  readonly find: FindDisk;
  readonly layout: DiskLayout;
  readonly files: Filesystems;
  readonly run: RunProgram;
  readonly log: Log;
}

/** The persistent disks that the director or CLI told us of, kept over restarts in the real agent's files. */
export class PersistentDisks {
  readonly #places: Places;
  readonly #find: FindDisk;
  readonly #layout: DiskLayout;
  readonly #files: Filesystems;
  readonly #run: RunProgram;
  readonly #log: Log;

  constructor({ places, find, layout, files, run, log }: PersistentDisksParts) {
    this.#places = places;
    this.#find = find;
    this.#layout = layout;
    this.#files = files;
    this.#run = run;
    this.#log = log;
  }

  get #store(): string {
    return join(this.#places.vcap, 'store');
  }

  get #target(): string {
    return join(this.#places.vcap, 'store_migration_target');
  }

  get #hintsFile(): string {
    return join(this.#places.vcap, 'bosh', 'persistent_disk_hints.json');
  }

  /** Holds the CID of the disk that belongs on /var/vcap/store. */
  get #managedFile(): string {
    return join(this.#places.vcap, 'bosh', 'managed_disk_settings.json');
  }

  async add(cid: string, hint: unknown): Promise<void> {
    const hints = await this.#hints();
    hints.set(cid, parseHint(hint));
    await this.#keepHints(hints);
  }

  async remove(cid: string): Promise<void> {
    const hints = await this.#hints();
    hints.delete(cid);
    await this.#keepHints(hints);
    if ((await this.#managed()) === cid) await this.#keepManaged('');
  }

  /** Mounts a disk on the store, or on the migration target if another disk is there. */
  async mount(cid: string, fallback?: DiskHint): Promise<void> {
    const hints = await this.#hints();
    const hint = hints.get(cid) ?? fallback;
    const disk = await this.#find(cid, hint, pluggedInTimeoutMs);
    if (!hints.has(cid)) {
      // told of by the settings or found by its serial alone: unless it is kept, list_disk would not know it
      await this.#keepHints(hints.set(cid, hint ?? {}));
    }
    await this.#mountDevice(cid, disk);
  }

  async #mountDevice(cid: string, disk: string): Promise<void> {
    const partition = await this.#layout.prepare(disk);
    if ((await this.#files.mountPointOf(partition)) !== undefined) return;
    const occupied = (await this.#files.mountedAt(this.#store)) !== undefined;
    await this.#files.mount(partition, occupied ? this.#target : this.#store);
    if (!occupied) await this.#keepManaged(cid);
  }

  /** Mounts again what was on the store before this start. A disk that is gone is told of and must not keep the agent away. */
  async mountAtStart(): Promise<void> {
    const cid = await this.#managed();
    if (cid === undefined) return;
    try {
      await this.#mountDevice(cid, await this.#find(cid, (await this.#hints()).get(cid), atStartTimeoutMs));
    } catch (error) {
      this.#log(`persistent disk ${cid} is not mounted: ${messageOf(error)}`);
    }
  }

  /** Gives a sentence for the caller, as the real agent does. */
  async unmount(cid: string): Promise<string> {
    const disk = await this.#find(cid, (await this.#hints()).get(cid), goneTimeoutMs);
    const partition = this.#layout.fileSystemOf(disk);
    const folder = await this.#files.mountPointOf(partition);
    if (folder === undefined) return `Partition of ${cid} is not mounted`;
    await this.#files.unmount(folder);
    if ((await this.#managed()) === cid) await this.#keepManaged('');
    return `Unmounted partition of ${cid}`;
  }

  /** Copies the store to the disk on the migration target and puts that disk in its place. */
  async migrate(): Promise<void> {
    const [from, to] = [await this.#files.mountedAt(this.#store), await this.#files.mountedAt(this.#target)];
    if (from === undefined || to === undefined)
      throw new Error(
        `migrate_disk needs disks on ${this.#store} (${from ?? 'none'}) and on ${this.#target} (${to ?? 'none'})`,
      );
    await this.#copyStore();
    await this.#files.unmount(this.#store);
    await this.#files.unmount(this.#target);
    await this.#files.mount(to, this.#store);
    const cid = await this.#cidOf(to);
    if (cid !== undefined) await this.#keepManaged(cid);
  }

  /** Copies while nobody can write; a store whose copying failed goes on being used and is writable again. */
  async #copyStore(): Promise<void> {
    await this.#files.remount(this.#store, 'ro');
    const copy = 'set -o pipefail; tar -C "$1" -cf - . | tar -C "$2" -xpf -';
    try {
      await this.#run(['sh', '-c', copy, 'sh', this.#store, this.#target], { timeoutMs: copyTimeoutMs });
    } catch (error) {
      await this.#files.remount(this.#store, 'rw');
      throw error;
    }
  }

  /** CIDs of the disks that are mounted. */
  async mounted(): Promise<string[]> {
    const cids: string[] = [];
    for (const folder of [this.#store, this.#target]) {
      const partition = await this.#files.mountedAt(folder);
      const cid = partition === undefined ? undefined : await this.#cidOf(partition);
      if (cid !== undefined) cids.push(cid);
    }
    return cids;
  }

  async #cidOf(partition: string): Promise<string | undefined> {
    for (const [cid, hint] of await this.#hints()) {
      try {
        if (this.#layout.fileSystemOf(await this.#find(cid, hint, goneTimeoutMs)) === partition) return cid;
      } catch (error) {
        this.#log(`looking for the disk of ${partition}: ${messageOf(error)}`);
      }
    }
    return undefined;
  }

  async #hints(): Promise<Map<string, DiskHint>> {
    const text = await readText(this.#hintsFile);
    return new Map(text ? Object.entries(JSON.parse(text) as Record<string, DiskHint>) : []);
  }

  async #keepHints(hints: Map<string, DiskHint>): Promise<void> {
    await writeDurably(this.#hintsFile, JSON.stringify(Object.fromEntries(hints)), 0o600);
  }

  async #managed(): Promise<string | undefined> {
    return (await readText(this.#managedFile))?.trim() || undefined;
  }

  async #keepManaged(cid: string): Promise<void> {
    await writeDurably(this.#managedFile, cid, 0o600);
  }
}
