import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { isThere } from '../../platform/files.ts';
import type { EnvironmentRecord } from '../record.ts';
import { renderedConfigs } from './rendered-configs.ts';
import { workloadStemcellOf } from './workload-stemcell.ts';

/**
 * Digest of all that a director is given once it answers, and of the ways that lead to its containers; undefined if the file of
 * the stemcell for deployments is gone.
 */
export async function directorInputs(record: EnvironmentRecord): Promise<string | undefined> {
  const stemcell = await stemcellKey(record);
  if (stemcell === undefined) return undefined;
  const inputs = [await renderedConfigs(record), record.workload, stemcell];
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
}

async function stemcellKey(record: EnvironmentRecord): Promise<unknown> {
  const stemcell = await workloadStemcellOf(record);
  if (stemcell.kind !== 'file') return stemcell;
  if (!(await isThere(stemcell.path))) return undefined;
  const { size, mtimeMs } = await stat(stemcell.path);
  return { ...stemcell, size, mtimeMs };
}
