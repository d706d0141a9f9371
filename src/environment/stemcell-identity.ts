import { stat } from 'node:fs/promises';
import type { EnvironmentRecord } from './record.ts';

/** What tells later whether a path still holds the same stemcell, without reading it. */
export async function stemcellIdentity({
  path,
  sha1,
}: {
  readonly path: string;
  readonly sha1: string;
}): Promise<NonNullable<EnvironmentRecord['stemcellFile']>> {
  const { size, mtimeMs } = await stat(path);
  return { path, sha1, size, changed: mtimeMs };
}
