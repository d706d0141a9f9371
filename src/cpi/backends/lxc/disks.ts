import type { Volume } from '../../../clients/libvirt/index.ts';
import { Undo } from '../../../platform/undo.ts';
import type { DiskCid, DiskStore, JsonObject, SnapshotCid } from '../../backend.ts';
import { CloudError, diskNotFound } from '../../errors.ts';
import { isDiskCid } from '../../on-libvirt/cids.ts';
import { deleteDiskClaim, makeDiskClaim } from '../../on-libvirt/disk-claims.ts';
import { describeDisk } from '../../on-libvirt/disk-descriptions.ts';
import { checkDiskProperties } from '../../on-libvirt/disk-properties.ts';
import { deleteDiskSnapshot, makeDiskSnapshot } from '../../on-libvirt/disk-snapshots.ts';
import { cloudErrorFrom } from '../../on-libvirt/errors.ts';
import { freeBytes, refuseFullPool } from '../../on-libvirt/free-bytes.ts';
import type { LibvirtHost } from '../../on-libvirt/libvirt-host.ts';
import { lockInPool } from '../../on-libvirt/locks.ts';
import { deleteVolume, descriptionVolume, volumeXml } from '../../on-libvirt/volumes.ts';
import { userOfDisk } from './disk-users.ts';
import {
  canGrowMounted,
  copyFrozen,
  growFilesystem,
  growMountedFilesystem,
  makeFilesystem,
} from './filesystems.ts';
import { closeLoopDevice, isMounted, loopDeviceOf, readSizeAnew } from './loop-devices.ts';
import { writeEmptyPartitionTable } from './partition-table.ts';
import { diskVolume, snapshotVolume } from './volume-names.ts';

const bytesPerMb = 1024 * 1024;

/**
 * Persistent disks: sparse files with an ext4 file system that fills them, since a container's agent formats none. A disk is
 * as large as BOSH wants it, however large the file system below is.
 */
export class LxcDisks implements DiskStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  async create(cid: DiskCid, sizeMb: number, properties: JsonObject): Promise<void> {
    checkDiskProperties(this.#host, properties);
    const pool = await this.#host.pool();
    await refuseFullPool(this.#host);
    try {
      await using undo = new Undo(this.#host.log);
      undo.defer(`delete disk ${cid}`, () => this.delete(cid));
      await makeDiskClaim(this.#host, cid);
      const volume = await pool.createVolume(
        volumeXml({
          name: diskVolume(cid),
          capacityBytes: sizeMb * bytesPerMb,
          format: 'raw',
          mode: '0600',
        }),
      );
      const path = await volume.path();
      await makeFilesystem(path);
      await writeEmptyPartitionTable(path);
      undo.keep();
    } catch (error) {
      throw cloudErrorFrom(error, `Creating disk ${cid} of ${sizeMb} MiB in pool ${pool.name}`);
    }
  }

  async has(cid: DiskCid): Promise<boolean> {
    return (await findDisk(this.#host, cid)) !== undefined;
  }

  async delete(cid: DiskCid): Promise<void> {
    if (!isDiskCid(cid)) return this.#host.log.info(`disk ${cid} is not there: nothing to delete`);
    await using _lock = await lockInPool(this.#host, cid, 'delete_disk');
    const pool = await this.#host.pool();
    const volume = await findDisk(this.#host, cid);
    if (volume) {
      const user = await userOfDisk(this.#host, cid);
      if (user)
        throw new CloudError(
          'CloudError',
          `Disk '${cid}' is attached to VM '${user.domain.name}'; detach it first`,
        );
      await closeLoopDevice({ name: cid, path: await volume.path() });
      await deleteVolume(pool, diskVolume(cid));
    } else this.#host.log.info(`disk ${cid} is not there: nothing to delete`);
    await deleteVolume(pool, descriptionVolume(cid));
    await deleteDiskClaim(this.#host, cid);
  }

  async setMetadata(cid: DiskCid, metadata: JsonObject): Promise<void> {
    if (!(await this.has(cid))) throw diskNotFound(cid);
    await describeDisk(this.#host, cid, { kind: 'disk', metadata });
  }

  /** With its file system, for no agent grows one that it has not made; also while a container has it mounted. */
  async resize(cid: DiskCid, sizeMb: number): Promise<void> {
    await using _lock = await lockInPool(this.#host, cid, 'resize_disk');
    const volume = await findDisk(this.#host, cid);
    if (!volume) throw diskNotFound(cid);
    const wanted = sizeMb * bytesPerMb;
    const { capacityBytes } = await volume.info();
    if (wanted < capacityBytes) throw cannotShrink(cid, capacityBytes, sizeMb);
    const path = await volume.path();
    const device = await loopDeviceOf({ name: cid, path });
    const mounted = device !== undefined && (await isMounted(device));
    if (mounted && !(await canGrowMounted())) throw cannotGrowMounted(cid);
    try {
      // also for a size that it has: a killed call may have grown the file alone
      if (wanted > capacityBytes) await volume.resize(wanted);
      if (device !== undefined) await readSizeAnew(device);
      if (mounted) await growMountedFilesystem(device);
      else await growFilesystem(device ?? path);
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
    await using _lock = await lockInPool(this.#host, disk, 'snapshot_disk');
    const volume = await findDisk(this.#host, disk);
    if (!volume) throw diskNotFound(disk);
    const request = { cid, disk, metadata, volume: snapshotVolume(cid) };
    await makeDiskSnapshot(this.#host, request, () => this.#copy(volume, snapshotVolume(cid)));
  }

  async #copy(volume: Volume, name: string): Promise<void> {
    const { capacityBytes, allocationBytes } = await volume.info();
    const pool = await this.#host.pool();
    const available = await freeBytes(pool, allocationBytes);
    if (allocationBytes > available) {
      const [needed, free] = [allocationBytes, available].map((bytes) => Math.ceil(bytes / bytesPerMb));
      throw new CloudError(
        'NoDiskSpace',
        `A copy takes ${needed} MiB, storage pool ${pool.name} has ${free} free`,
      );
    }
    const copy = await pool.createVolume(volumeXml({ name, capacityBytes, format: 'raw', mode: '0600' }));
    await copyFrozen([{ from: await volume.path(), to: await copy.path() }]);
  }

  async deleteSnapshot(cid: SnapshotCid): Promise<void> {
    await deleteDiskSnapshot(this.#host, cid, snapshotVolume(cid));
  }
}

/** The volume of a persistent disk. */
export async function findDisk(host: LibvirtHost, cid: string): Promise<Volume | undefined> {
  return isDiskCid(cid) ? await host.findVolume(diskVolume(cid)) : undefined;
}

const cannotGrowMounted = (cid: DiskCid): CloudError =>
  new CloudError(
    'NotSupported',
    `Disk '${cid}' is mounted in a VM, and this machine’s root may not grow mounted file systems (no CAP_SYS_RESOURCE)`,
    { hints: ['detach the disk first, as the director does'] },
  );

const cannotShrink = (cid: DiskCid, hasBytes: number, sizeMb: number): CloudError =>
  new CloudError(
    'NotSupported',
    `Disk '${cid}' has ${hasBytes / bytesPerMb} MiB; it cannot shrink to ${sizeMb}`,
  );
