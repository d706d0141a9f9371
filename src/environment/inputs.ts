import { createHash } from 'node:crypto';
import { access, constants, readFile, stat } from 'node:fs/promises';
import type { DeploySource } from '../engine/engine.ts';
import { errnoOf, messageOf, UserError } from '../platform/errors.ts';

/** Throws a UserError unless each of the files, which a person named, can be read. */
export async function requireFiles(what: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const why = await whyUnreadable(path);
    if (why !== undefined) throw new UserError('USAGE', `The ${what} ${path} cannot be read: ${why}`);
  }
}

async function whyUnreadable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.R_OK);
    return (await stat(path)).isDirectory() ? 'it is a folder' : undefined;
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
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
