import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { AgentClient } from '../engine/agent-client/index.ts';
import { errnoOf, messageOf, UserError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { environmentPaths } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import { roadTo } from './session.ts';

interface Credentials {
  readonly mbusPassword: string;
  readonly ca: string;
  readonly sshPrivateKey: string;
  readonly sshPublicKey: string;
}

/** The machine's secrets out of bosh's vars-store. Throws a UserError if they are not there. */
export async function readCredentials(name: string): Promise<Credentials> {
  const path = environmentPaths(name).credentials;
  const store = await load(name, path);
  const ssl = store.mbus_bootstrap_ssl as { ca?: string } | undefined;
  const ssh = store.machine_ssh as { private_key?: string; public_key?: string } | undefined;
  const password = store.mbus_bootstrap_password;
  if (typeof password !== 'string' || !ssl?.ca || !ssh?.private_key || !ssh.public_key) {
    throw new UserError(
      'STATE_DAMAGED',
      `${path} lacks mbus_bootstrap_password, mbus_bootstrap_ssl or machine_ssh`,
      { hints: newCredentials(name) },
    );
  }
  return { mbusPassword: password, ca: ssl.ca, sshPrivateKey: ssh.private_key, sshPublicKey: ssh.public_key };
}

/** What came with them cannot be had again: another machine gets others, and keeps the persistent disk. */
const newCredentials = (name: string): string[] => [
  'put the file back from a backup',
  `or let boshvirt up ${name} make new ones; they need a new machine, which keeps the persistent disk`,
];

async function load(name: string, path: string): Promise<Record<string, unknown>> {
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

/** A client for the machine's agent. */
export async function agentOf(record: EnvironmentRecord, log: Log): Promise<AgentClient> {
  const { mbusPassword, ca } = await readCredentials(record.name);
  return new AgentClient({
    mbus: `https://mbus:${encodeURIComponent(mbusPassword)}@${record.network.ip}:6868`,
    ca,
    road: await roadTo(record),
    log,
  });
}
