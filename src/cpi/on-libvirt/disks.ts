import type { Volume } from '../../clients/libvirt/index.ts';
import type { Lock } from '../../platform/lock.ts';
import { Undo } from '../../platform/undo.ts';
import type { DiskCid, DiskStore, JsonObject, SnapshotCid } from '../backend.ts';
import { CloudError, diskNotFound } from '../errors.ts';
import { isDiskCid } from './cids.ts';
import { deleteDiskClaim, makeDiskClaim } from './disk-claims.ts';
import { describeDisk } from './disk-descriptions.ts';
import { checkDiskProperties } from './disk-properties.ts';
import { deleteDiskSnapshot, makeDiskSnapshot } from './disk-snapshots.ts';
import type { DiskUser } from './disk-users.ts';
import { cloudErrorFrom } from './errors.ts';
import { refuseFullPool } from './free-bytes.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { lockInPool } from './locks.ts';
import { deleteVolume, descriptionVolume, volumeXml } from './volumes.ts';

const bytesPerMb = 1024 * 1024;

/** A size for a disk that is at least as large as it is. */
export interface DiskGrowth {
  readonly wantedBytes: number;
  readonly capacityBytes: number;
}

/** What a backend does with the volume of a disk: all else about disks is the same wherever they lie in a pool. */
export interface DiskMedium {
  readonly format: 'qcow2' | 'raw';
  diskVolume(cid: DiskCid): string;
  snapshotVolume(cid: SnapshotCid): string;
  /** Who has a disk, running or not; other people's domains count too. */
  userOf(cid: DiskCid): Promise<DiskUser | undefined>;
  /** Makes a new, empty volume a disk; absent where it is one already. */
  prepare?(volume: Volume): Promise<void>;
  /** Also asked for the size that a disk has: a killed call may have grown a half of it. */
  grow(cid: DiskCid, volume: Volume, growth: DiskGrowth): Promise<void>;
  /** Copies a disk, as it is at one moment, into a new volume of this name. */
  copy(cid: DiskCid, source: Volume, name: string): Promise<void>;
  /** Frees what the machine has made of a volume that nobody uses. */
  letGo?(cid: DiskCid, volume: Volume): Promise<void>;
}

/** Persistent disks: volumes named after their CID. Whoever changes one holds its lock against all other processes. */
export class LibvirtDisks implements DiskStore {
  readonly #host: LibvirtHost;
  readonly #medium: DiskMedium;

  constructor(host: LibvirtHost, medium: DiskMedium) {
    this.#host = host;
    this.#medium = medium;
  }

  async create(cid: DiskCid, sizeMb: number, properties: JsonObject): Promise<void> {
    checkDiskProperties(this.#host, properties);
    const pool = await this.#host.pool();
    await refuseFullPool(this.#host);
    const { format } = this.#medium;
    const capacityBytes = sizeMb * bytesPerMb;
    try {
      await using undo = new Undo(this.#host.log);
      undo.defer(`delete disk ${cid}`, () => this.#remove(cid));
      await makeDiskClaim(this.#host, cid);
      const xml = volumeXml({ name: this.#medium.diskVolume(cid), capacityBytes, format, mode: '0600' });
      const volume = await pool.createVolume(xml);
      await this.#medium.prepare?.(volume);
      undo.keep();
    } catch (error) {
      throw cloudErrorFrom(error, `Creating disk ${cid} of ${sizeMb} MiB in pool ${pool.name}`);
    }
  }

  async has(cid: DiskCid): Promise<boolean> {
    return (await this.#find(cid)) !== undefined;
  }

  async delete(cid: DiskCid): Promise<void> {
    await this.#host.pool(); // a stopped pool is told before anything else
    if (!isDiskCid(cid)) return this.#host.log.info(`disk ${cid} is not there: nothing to delete`);
    await using _lock = await lockDisk(this.#host, cid, 'delete_disk');
    const volume = await this.#find(cid);
    if (volume) {
      await this.#refuseUsed(cid);
      await this.#medium.letGo?.(cid, volume);
    } else this.#host.log.info(`disk ${cid} is not there: only what is left of it is deleted`);
    await this.#remove(cid);
  }

  /** libvirt would delete a volume that a running VM writes to (host.md 1b). */
  async #refuseUsed(cid: DiskCid): Promise<void> {
    const user = await this.#medium.userOf(cid);
    if (!user) return;
    throw new CloudError(
      'CloudError',
      `Disk '${cid}' is attached to VM '${user.domain.name}'; detach it first`,
    );
  }

  /** The volume first: without it there is no disk. */
  async #remove(cid: DiskCid): Promise<void> {
    const pool = await this.#host.pool();
    await deleteVolume(pool, this.#medium.diskVolume(cid));
    await deleteDiskClaim(this.#host, cid);
    await deleteVolume(pool, descriptionVolume(cid));
  }

  async setMetadata(cid: DiskCid, metadata: JsonObject): Promise<void> {
    if (!(await this.has(cid))) throw diskNotFound(cid);
    await describeDisk(this.#host, cid, { kind: 'disk', metadata });
  }

  async resize(cid: DiskCid, sizeMb: number): Promise<void> {
    await using _lock = await lockDisk(this.#host, cid, 'resize_disk');
    const volume = await this.#existing(cid);
    const wantedBytes = sizeMb * bytesPerMb;
    const { capacityBytes } = await volume.info();
    if (wantedBytes < capacityBytes) throw cannotShrink(cid, capacityBytes / bytesPerMb, sizeMb);
    try {
      await this.#medium.grow(cid, volume, { wantedBytes, capacityBytes });
    } catch (error) {
      throw cloudErrorFrom(error, `Growing disk ${cid} to ${sizeMb} MiB`);
    }
  }

  async update(cid: DiskCid, sizeMb: number, properties: JsonObject): Promise<DiskCid> {
    checkDiskProperties(this.#host, properties);
    await this.resize(cid, sizeMb);
    return cid;
  }

  async snapshot(cid: SnapshotCid, disk: DiskCid, metadata: JsonObject): Promise<void> {
    await using _lock = await lockDisk(this.#host, disk, 'snapshot_disk');
    const source = await this.#existing(disk);
    const volume = this.#medium.snapshotVolume(cid);
    await makeDiskSnapshot(this.#host, { cid, disk, metadata, volume }, () =>
      this.#medium.copy(disk, source, volume),
    );
  }

  async deleteSnapshot(cid: SnapshotCid): Promise<void> {
    await deleteDiskSnapshot(this.#host, cid, this.#medium.snapshotVolume(cid));
  }

  async #find(cid: DiskCid): Promise<Volume | undefined> {
    return await findDisk(this.#host, this.#medium, cid);
  }

  async #existing(cid: DiskCid): Promise<Volume> {
    const volume = await this.#find(cid);
    if (!volume) throw diskNotFound(cid);
    return volume;
  }
}

/** Nobody else changes a disk, or who has it, until this is disposed of. Throws DiskNotFound for what is no disk's CID. */
export async function lockDisk(host: LibvirtHost, cid: DiskCid, purpose: string): Promise<Lock> {
  if (!isDiskCid(cid)) throw diskNotFound(cid);
  return await lockInPool(host, cid, purpose);
}

/** The volume of a persistent disk. */
export async function findDisk(
  host: LibvirtHost,
  { diskVolume }: Pick<DiskMedium, 'diskVolume'>,
  cid: DiskCid,
): Promise<Volume | undefined> {
  return isDiskCid(cid) ? await host.findVolume(diskVolume(cid)) : undefined;
}

const cannotShrink = (disk: DiskCid, fromMb: number, toMb: number): CloudError =>
  new CloudError('NotSupported', `Disk '${disk}' has ${fromMb} MiB and cannot shrink to ${toMb} MiB`, {
    hints: ['a smaller disk is a new one, to which a director copies the files of the old one'],
  });
