import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { privateHostNames } from '../host/private-host/index.ts';
import { writeFileAtomic } from '../platform/files.ts';
import { readCredentials } from './credentials.ts';
import { environmentPaths, privateHostFolder } from './paths.ts';
import { requireRecord } from './record.ts';

export const shellVariables = [
  'BOSHVIRT_ENV',
  'LIBVIRT_DEFAULT_URI',
  'BOSHVIRT_MACHINE_IP',
  'BOSHVIRT_NETNS',
  'BOSHVIRT_SSH_KEY',
  'BOSHVIRT_STATE',
  'BOSHVIRT_VARS_STORE',
] as const;
type ShellVariables = Partial<Record<(typeof shellVariables)[number], string>>;

/** Variables for a shell that works with the environment. Holds paths, no secrets. */
export async function shellEnvironment(name: string): Promise<ShellVariables> {
  const record = await requireRecord(name);
  const paths = environmentPaths(name);
  return {
    BOSHVIRT_ENV: name,
    LIBVIRT_DEFAULT_URI: record.uri,
    BOSHVIRT_MACHINE_IP: record.network.ip,
    // guests of a private host are reached from its network namespace: nsenter --net=$BOSHVIRT_NETNS ssh …
    ...(record.host === 'private' ? { BOSHVIRT_NETNS: privateHostNames(privateHostFolder()).netnsPath } : {}),
    BOSHVIRT_SSH_KEY: await writeSshKey(name),
    BOSHVIRT_STATE: paths.state,
    BOSHVIRT_VARS_STORE: paths.credentials,
  };
}

/** Puts the machine's SSH key where ssh can read it, 0600, and gives its path. */
export async function writeSshKey(name: string): Promise<string> {
  const path = join(environmentPaths(name).folder, 'ssh', 'id_rsa');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const { sshPrivateKey } = await readCredentials(name);
  await writeFileAtomic(path, sshPrivateKey.endsWith('\n') ? sshPrivateKey : `${sshPrivateKey}\n`);
  return path;
}
