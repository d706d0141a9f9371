import { join } from 'node:path';
import { writeFileAtomic } from '../platform/files.ts';
import { environmentPaths } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import { roadTo } from './session.ts';

/**
 * Words to put before a command that works with the environment's guests by their names; empty on an ordinary host. In the
 * network namespace of a private host the machine's own resolver answers nobody: there the command is given the environment's,
 * as its /etc/resolv.conf, in a mount namespace of its own.
 */
export async function guestPlace(record: EnvironmentRecord): Promise<string[]> {
  const { commandPrefix } = await roadTo(record);
  if (commandPrefix.length === 0) return [];
  const path = join(environmentPaths(record.name).work, 'resolv.conf');
  await writeFileAtomic(path, `nameserver ${record.network.gateway}\n`, { mode: 0o644 });
  return [...commandPrefix, ...withResolver(path)];
}

/** The words alone, for a file in the form of resolv.conf. They need root. */
export const withResolver = (path: string): string[] => [
  ...['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"'],
  path,
];
