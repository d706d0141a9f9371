import { Undo } from '../../platform/undo.ts';
import type { DiskCid, JsonObject, SnapshotCid } from '../backend.ts';
import { isSnapshotCid } from './cids.ts';
import { describeDisk } from './disk-descriptions.ts';
import { cloudErrorFrom } from './errors.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { deleteVolume, descriptionVolume } from './volumes.ts';

export interface SnapshotRequest {
  readonly cid: SnapshotCid;
  readonly disk: DiskCid;
  readonly metadata: JsonObject;
  /** The name of the volume that holds the copy. */
  readonly volume: string;
}

/**
 * Makes a snapshot by `copy`, which makes that volume. The description is written after it: without one there is no
 * snapshot, and the volume is what a killed call left.
 */
export async function makeDiskSnapshot(
  host: LibvirtHost,
  { cid, disk, metadata, volume }: SnapshotRequest,
  copy: () => Promise<void>,
): Promise<void> {
  try {
    await using undo = new Undo(host.log);
    undo.defer(`delete snapshot ${cid}`, () => deleteDiskSnapshot(host, cid, volume));
    await copy();
    await describeDisk(host, cid, { kind: 'snapshot', disk, metadata });
    undo.keep();
  } catch (error) {
    throw cloudErrorFrom(error, `Taking snapshot ${cid} of disk ${disk}`);
  }
}

/** Idempotent. */
export async function deleteDiskSnapshot(host: LibvirtHost, cid: SnapshotCid, volume: string): Promise<void> {
  if (!isSnapshotCid(cid)) return host.log.info(`snapshot ${cid} is not there: nothing to delete`);
  const pool = await host.pool();
  try {
    await deleteVolume(pool, descriptionVolume(cid)); // first: half of a snapshot is none
    await deleteVolume(pool, volume);
  } catch (error) {
    throw cloudErrorFrom(error, `Deleting snapshot ${cid}`);
  }
}
