import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { DeploySource } from '../engine/engine.ts';

/** Digest of all that create-env is made from: the same digest means that nothing was asked to change. */
export async function digestInputs(
  source: Pick<DeploySource, 'manifestPath' | 'opsFiles' | 'varsFiles' | 'vars'>,
): Promise<string> {
  const hash = createHash('sha256');
  for (const path of [source.manifestPath, ...source.opsFiles, ...source.varsFiles]) {
    hash.update(`${path}\n`).update(await readFile(path));
  }
  return hash.update(JSON.stringify(source.vars)).digest('hex');
}
