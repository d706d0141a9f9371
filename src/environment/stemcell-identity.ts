import { stat } from 'node:fs/promises';
import type { StemcellSource } from './deploy.ts';
import type { EnvironmentRecord } from './record.ts';

/** What tells later whether a path still holds the same stemcell, without reading it. */
export async function stemcellIdentity({
  path,
  sha1,
}: StemcellSource): Promise<NonNullable<EnvironmentRecord['stemcellFile']>> {
  const { size, mtimeMs } = await stat(path);
  return { path, sha1, size, changed: mtimeMs };
}
