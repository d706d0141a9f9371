import { basename, join } from 'node:path';
import { StemcellCache } from '../../stemcell/stemcell-cache.ts';
import { cacheFolder } from '../paths.ts';
import { readableRecords } from '../record.ts';
import type { Finding, Outcome } from './finding.ts';

/** Stemcells in the cache that a newer one has taken the place of and no environment was made from. */
export async function oldStemcells(): Promise<Finding[]> {
  const used = new Set((await readableRecords()).map(({ stemcellFile }) => stemcellFile?.path));
  const old = (await new StemcellCache(cacheFolder()).superseded()).filter(({ path }) => !used.has(path));
  return old.map(({ path, sizeBytes }) => ({
    kind: 'stemcell',
    name: basename(path),
    environment: undefined,
    why: 'a newer stemcell lies in the cache beside it',
    bytesOnDisk: sizeBytes,
    holdsData: false,
  }));
}

export async function dropStemcell(finding: Finding): Promise<Outcome> {
  await new StemcellCache(cacheFolder()).drop(join(cacheFolder(), finding.name));
  return { finding, kept: undefined };
}
