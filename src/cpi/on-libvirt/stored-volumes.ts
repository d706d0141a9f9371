import { type Pool, parseXml, type Volume } from '../../clients/libvirt/index.ts';
import { cidIn } from './cids.ts';
import { isNoVolume } from './errors.ts';

/** One of our volumes as it lies in the pool. */
export interface StoredVolume {
  readonly name: string;
  /** What it belongs to. */
  readonly cid: string;
  readonly sizeBytes: number;
  readonly bytesOnDisk: number;
  /** When its content was last written to. */
  readonly changedAt: Date;
}

/** The volumes in these pools that are of one of these CIDs by their names. */
export async function storedVolumes(
  pools: readonly Pool[],
  cids: ReadonlySet<string>,
): Promise<StoredVolume[]> {
  const listed = await Promise.all(pools.map((pool) => pool.listVolumes()));
  const volumes = listed.flat().filter(({ name }) => cids.has(cidIn(name) ?? ''));
  const stored = await Promise.all(volumes.map(storedVolume));
  return stored.filter((volume) => volume !== undefined);
}

/** libvirt looks at the file when it is asked for the XML. undefined if the volume went away meanwhile. */
async function storedVolume(volume: Volume): Promise<StoredVolume | undefined> {
  try {
    const root = parseXml(await volume.xml()).child('volume');
    const seconds = Number(root?.at('target', 'timestamps', 'mtime')?.text ?? 0);
    return {
      name: volume.name,
      cid: cidIn(volume.name) ?? '',
      sizeBytes: Number(root?.child('capacity')?.text),
      bytesOnDisk: Number(root?.child('allocation')?.text),
      changedAt: new Date(seconds * 1000),
    };
  } catch (error) {
    if (isNoVolume(error)) return undefined;
    throw error;
  }
}

/** What these take together. */
export const bytesOf = (volumes: readonly StoredVolume[]): number =>
  volumes.reduce((sum, { bytesOnDisk }) => sum + bytesOnDisk, 0);
