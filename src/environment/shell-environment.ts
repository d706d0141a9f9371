import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { privateHostNames } from '../host/private-host/index.ts';
import { writeFileAtomic } from '../platform/files.ts';
import { sshPrivateKey } from './credentials.ts';
import { type DirectorAccess, directorAccess, hasDirector } from './director/index.ts';
import { environmentPaths, privateHostFolder } from './paths.ts';
import { type EnvironmentRecord, requireRecord } from './record.ts';

export const shellVariables = [
  'BOSHVIRT_ENV',
  'LIBVIRT_DEFAULT_URI',
  'BOSHVIRT_MACHINE_IP',
  'BOSHVIRT_NETNS',
  'BOSHVIRT_SSH_KEY',
  'BOSHVIRT_STATE',
  'BOSHVIRT_VARS_STORE',
  'BOSH_ENVIRONMENT',
  'BOSH_CLIENT',
  'BOSH_CLIENT_SECRET',
  'BOSH_CA_CERT',
  'CREDHUB_SERVER',
  'CREDHUB_CLIENT',
  'CREDHUB_SECRET',
  'CREDHUB_CA_CERT',
] as const;
type ShellVariables = Partial<Record<(typeof shellVariables)[number], string>>;

/**
 * Variables for a shell that works with the environment: paths and, with a director, what logs bosh and credhub in to it, secrets
 * among it.
 */
export async function shellEnvironment(name: string): Promise<ShellVariables> {
  const record = await requireRecord(name);
  const paths = environmentPaths(name);
  return {
    BOSHVIRT_ENV: name,
    LIBVIRT_DEFAULT_URI: record.uri,
    BOSHVIRT_MACHINE_IP: record.network.ip,
    // guests of a private host are reached from its network namespace: nsenter --net=$BOSHVIRT_NETNS ssh …
    ...(record.host === 'private' ? { BOSHVIRT_NETNS: privateHostNames(privateHostFolder()).netnsPath } : {}),
    BOSHVIRT_SSH_KEY: await writeSshKey(record),
    BOSHVIRT_STATE: paths.state,
    BOSHVIRT_VARS_STORE: paths.credentials,
    ...(hasDirector(record) ? directorVariables(await directorAccess(record)) : {}),
  };
}

function directorVariables({ url, client, secret, ca, uaa, credhub }: DirectorAccess): ShellVariables {
  const director = {
    BOSH_ENVIRONMENT: url,
    BOSH_CLIENT: client,
    BOSH_CLIENT_SECRET: secret,
    BOSH_CA_CERT: ca,
  };
  if (!credhub) return director;
  return {
    ...director,
    CREDHUB_SERVER: credhub.url,
    CREDHUB_CLIENT: credhub.client,
    CREDHUB_SECRET: credhub.secret,
    // it sends its clients to UAA for their token, and trusts nobody but these
    CREDHUB_CA_CERT: [credhub.ca, uaa?.ca ?? ''].map((pem) => pem.trim()).join('\n'),
  };
}

/** Puts the machine's SSH key where ssh can read it, 0600, and gives its path. */
export async function writeSshKey(record: Pick<EnvironmentRecord, 'name' | 'profile'>): Promise<string> {
  const path = join(environmentPaths(record.name).folder, 'ssh', 'id_rsa');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const key = await sshPrivateKey(record);
  await writeFileAtomic(path, key.endsWith('\n') ? key : `${key}\n`);
  return path;
}
