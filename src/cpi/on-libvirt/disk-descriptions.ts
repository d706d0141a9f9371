import type { DiskCid, JsonObject, SnapshotCid } from '../backend.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { descriptionVolume, readVolume, writeVolume } from './volumes.ts';

/** What is kept of a disk or a snapshot beside its volume. */
export interface DiskDescription {
  /** The format's version. */
  readonly version: 1;
  readonly kind: 'disk' | 'snapshot';
  readonly environment: string;
  /** BOSH's words: of set_disk_metadata or snapshot_disk. */
  readonly metadata: JsonObject;
  /** Of a snapshot: the disk that it was taken of. */
  readonly disk?: string;
}

export async function describeDisk(
  host: LibvirtHost,
  cid: string,
  facts: Pick<DiskDescription, 'kind' | 'metadata' | 'disk'>,
): Promise<void> {
  const description = { version: 1, environment: host.config.environment, ...facts };
  await writeVolume(await host.pool(), descriptionVolume(cid), Buffer.from(JSON.stringify(description)));
}

/** undefined for one of which nobody has said anything. */
export async function readDiskDescription(
  host: LibvirtHost,
  cid: DiskCid | SnapshotCid,
): Promise<DiskDescription | undefined> {
  const text = await readVolume(await host.pool(), descriptionVolume(cid));
  return text && (JSON.parse(text.toString('utf8')) as DiskDescription);
}
