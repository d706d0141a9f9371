import { join } from 'node:path';
import { type BoshProgram, findBosh } from '../engine/bosh-cli/index.ts';
import { UserError } from '../platform/errors.ts';
import { isThere } from '../platform/files.ts';
import { cacheFolder } from './paths.ts';

/** Where `up` puts the bosh CLI that it fetched. */
export const fetchedBoshPath = (): string => join(cacheFolder(), 'bin', 'bosh');

/** The first bosh CLI on PATH, else the one that was fetched; undefined if there is neither. */
export async function findBoshProgram(): Promise<BoshProgram | undefined> {
  const onPath = await findBosh();
  if (onPath !== undefined) return onPath;
  return (await isThere(fetchedBoshPath())) ? await findBosh({ path: fetchedBoshPath() }) : undefined;
}

/** The bosh CLI, for work with a director. Throws a UserError PREFLIGHT. */
export async function requireBoshProgram(): Promise<BoshProgram> {
  const found = await findBoshProgram();
  if (found) return found;
  throw new UserError('PREFLIGHT', 'The bosh CLI was not found on PATH', {
    hints: ['boshvirt up fetches it', 'or install it: https://bosh.io/docs/cli-v2-install/'],
  });
}
