import type { Pool, Volume } from '../../clients/libvirt/index.ts';
import { shortHash } from '../../platform/ids.ts';
import { fillTemplate, markup } from '../../platform/template.ts';
import { isNoFile, isNoVolume } from './errors.ts';

export interface VolumeSpec {
  readonly name: string;
  readonly capacityBytes: number;
  readonly format: 'qcow2' | 'raw';
  readonly backing?: { readonly path: string; readonly format: string };
  /** Octal, as libvirt writes it: '0444'. */
  readonly mode?: string;
}

export const stemcellVolume = (stemcell: string): string => `${stemcell}.img`;
/** Says that a director has imported a stemcell and not deleted it. */
export const claimVolume = (stemcell: string, owner: string): string =>
  `${stemcell}-${shortHash(owner, 12)}.claim`;
export const isClaimOn = (stemcell: string, volume: string): boolean =>
  volume.startsWith(`${stemcell}-`) && volume.endsWith('.claim');
/** libvirt keeps no description of a volume: ours is a small raw volume beside it. */
export const descriptionVolume = (cid: string): string => `${cid}.json`;

/** qcow2 volumes are version 1.1 (lazy_refcounts, discard); libvirt 9 makes 0.10 unless told (host.md 1). */
export function volumeXml(spec: VolumeSpec): string {
  return fillTemplate('libvirt/volume.xml', {
    name: spec.name,
    capacityBytes: spec.capacityBytes,
    format: spec.format,
    permissions: markup(spec.mode ? `<permissions><mode>${spec.mode}</mode></permissions>` : ''),
    compat: markup(spec.format === 'qcow2' ? '<compat>1.1</compat>' : ''),
    backing: markup(spec.backing ? backingXml(spec.backing) : ''),
  });
}

function backingXml(backing: { path: string; format: string }): string {
  return fillTemplate('libvirt/backing.xml', { path: backing.path, format: backing.format });
}

/** Makes a raw volume with this content, in place of an older one. */
export async function writeVolume(pool: Pool, name: string, content: Uint8Array): Promise<Volume> {
  await deleteVolume(pool, name);
  const volume = await pool.createVolume(
    volumeXml({ name, capacityBytes: content.length, format: 'raw', mode: '0600' }),
  );
  await volume.upload(once(content));
  return volume;
}

/** Deletes a volume if it is there. Another process that does the same at the same time is no hindrance. */
export async function deleteVolume(pool: Pool, name: string): Promise<void> {
  const volume = await pool.findVolume(name);
  if (volume) await removeVolume(volume);
}

/** Deletes a volume; one that went away meanwhile is no error. */
export async function removeVolume(volume: Volume): Promise<void> {
  try {
    await volume.delete();
  } catch (error) {
    if (!isNoVolume(error)) throw error;
  }
}

/** The whole content of a small volume, or undefined if there is none of that name. */
export async function readVolume(pool: Pool, name: string): Promise<Buffer | undefined> {
  const volume = await pool.findVolume(name);
  if (!volume) return undefined;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of volume.download()) chunks.push(chunk);
  } catch (error) {
    if (isNoVolume(error) || isNoFile(error)) return undefined; // somebody deleted it meanwhile
    throw error;
  }
  return Buffer.concat(chunks);
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
