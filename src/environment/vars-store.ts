import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { errnoOf, messageOf, UserError } from '../platform/errors.ts';
import { environmentPaths } from './paths.ts';

/** The values of bosh's vars-store by the names of their variables. Throws STATE_DAMAGED if it is not there or no YAML. */
export async function readVarsStore(name: string): Promise<Readonly<Record<string, unknown>>> {
  const path = environmentPaths(name).credentials;
  try {
    return (parse(await readFile(path, 'utf8')) ?? {}) as Record<string, unknown>;
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new UserError('STATE_DAMAGED', `The credentials ${path} cannot be read: ${why}`, {
      cause: error,
      hints: newCredentials(name),
    });
  }
}

/** Throws STATE_DAMAGED that names what the store lacks. */
export function storeLacks(name: string, what: string): never {
  throw new UserError('STATE_DAMAGED', `${environmentPaths(name).credentials} lacks ${what}`, {
    hints: newCredentials(name),
  });
}

/** What came with them cannot be had again: another machine gets others, and keeps the persistent disk. */
const newCredentials = (name: string): string[] => [
  'put the file back from a backup',
  `or let boshvirt up ${name} make new ones; they need a new machine, which keeps the persistent disk`,
];
