import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import type { DeploySource } from '../engine/engine.ts';
import { errnoOf, messageOf, UserError } from '../platform/errors.ts';

/** Throws a UserError unless each of the files, which a person named, can be read. */
export async function requireFiles(what: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      await access(path, constants.R_OK);
    } catch (error) {
      const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
      throw new UserError('USAGE', `The ${what} ${path} cannot be read: ${why}`, { cause: error });
    }
  }
}

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
