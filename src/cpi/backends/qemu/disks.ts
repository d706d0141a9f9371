import type { Volume } from '../../../clients/libvirt/index.ts';
import type { Lock } from '../../../platform/lock.ts';
import { Undo } from '../../../platform/undo.ts';
import type { DiskCid, DiskStore, JsonObject, SnapshotCid } from '../../backend.ts';
import { CloudError, diskNotFound } from '../../errors.ts';
import { isDiskCid } from '../../on-libvirt/cids.ts';
import { deleteDiskClaim, makeDiskClaim } from '../../on-libvirt/disk-claims.ts';
import { describeDisk } from '../../on-libvirt/disk-descriptions.ts';
import { checkDiskProperties } from '../../on-libvirt/disk-properties.ts';
import { deleteDiskSnapshot, makeDiskSnapshot } from '../../on-libvirt/disk-snapshots.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import { refuseFullPool } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { lockInPool } from '../../on-libvirt/locks.ts';
import { deleteVolume, descriptionVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import { copyDisk } from './disk-copies.ts';
import { growDisk } from './disk-size.ts';
import { userOfDisk } from './disk-users.ts';
import { diskVolume, snapshotVolume } from './volume-names.ts';

const bytesPerMb = 1024 * 1024;

/** Persistent disks: qcow2 volumes named after their CID (internal snapshots need qcow2: libvirt-spikes.md 4). */
export class QemuDisks implements DiskStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  async create(cid: DiskCid, sizeMb: number, properties: JsonObject): Promise<void> {
    checkDiskProperties(this.#host, properties);
    const pool = await this.#host.pool();
    await refuseFullPool(this.#host);
    const capacityBytes = sizeMb * bytesPerMb;
    try {
      await using undo = new Undo(this.#host.log);
      undo.defer(`delete disk ${cid}`, () => this.#remove(cid));
      await makeDiskClaim(this.#host, cid);
      await pool.createVolume(
        volumeXml({ name: diskVolume(cid), capacityBytes, format: 'qcow2', mode: '0600' }),
      );
      undo.keep();
    } catch (error) {
      throw cloudErrorFrom(error, `Creating disk ${cid} of ${sizeMb} MiB in pool ${pool.name}`);
    }
  }

  async has(cid: DiskCid): Promise<boolean> {
    return (await findDisk(this.#host, cid)) !== undefined;
  }

  async delete(cid: DiskCid): Promise<void> {
    await this.#host.pool(); // a stopped pool is told before anything else
    if (!isDiskCid(cid)) return this.#host.log.info(`disk ${cid} is not there: nothing to delete`);
    await using _lock = await lockDisk(this.#host, cid, 'delete_disk');
    if (await this.has(cid)) await this.#refuseUsed(cid);
    else this.#host.log.info(`disk ${cid} is not there: only what is left of it is deleted`);
    await this.#remove(cid);
  }

  /** libvirt would delete a volume that a running VM writes to (host.md 1b). */
  async #refuseUsed(cid: DiskCid): Promise<void> {
    const user = await userOfDisk(this.#host, cid);
    if (user) {
      throw new CloudError(
        'CloudError',
        `Disk '${cid}' is attached to VM '${user.domain.name}'; detach it first`,
      );
    }
  }

  /** The volume first: without it there is no disk. */
  async #remove(cid: DiskCid): Promise<void> {
    const pool = await this.#host.pool();
    await deleteVolume(pool, diskVolume(cid));
    await deleteDiskClaim(this.#host, cid);
    await deleteVolume(pool, descriptionVolume(cid));
  }

  async setMetadata(cid: DiskCid, metadata: JsonObject): Promise<void> {
    if (!(await this.has(cid))) throw diskNotFound(cid);
    await describeDisk(this.#host, cid, { kind: 'disk', metadata });
  }

  async resize(cid: DiskCid, sizeMb: number): Promise<void> {
    await using _lock = await lockDisk(this.#host, cid, 'resize_disk');
    await growDisk(this.#host, cid, await this.#existing(cid), sizeMb);
  }

  async update(cid: DiskCid, sizeMb: number, properties: JsonObject): Promise<DiskCid> {
    checkDiskProperties(this.#host, properties);
    await this.resize(cid, sizeMb);
    return cid;
  }

  async snapshot(cid: SnapshotCid, disk: DiskCid, metadata: JsonObject): Promise<void> {
    await using _lock = await lockDisk(this.#host, disk, 'snapshot_disk');
    const source = await this.#existing(disk);
    const volume = snapshotVolume(cid);
    await makeDiskSnapshot(this.#host, { cid, disk, metadata, volume }, () =>
      copyDisk(this.#host, disk, source, volume),
    );
  }

  async deleteSnapshot(cid: SnapshotCid): Promise<void> {
    await deleteDiskSnapshot(this.#host, cid, snapshotVolume(cid));
  }

  async #existing(cid: DiskCid): Promise<Volume> {
    const volume = await findDisk(this.#host, cid);
    if (!volume) throw diskNotFound(cid);
    return volume;
  }
}

/** Nobody else changes a disk, or who has it, until this is disposed of. */
export async function lockDisk(host: LibvirtHost, cid: DiskCid, purpose: string): Promise<Lock> {
  if (!isDiskCid(cid)) throw diskNotFound(cid);
  return await lockInPool(host, cid, purpose);
}

/** The volume of a persistent disk. */
export async function findDisk(host: LibvirtHost, cid: string): Promise<Volume | undefined> {
  return isDiskCid(cid) ? await host.findVolume(diskVolume(cid)) : undefined;
}
