import { AgentClient } from '../engine/agent-client/index.ts';
import type { Log } from '../platform/log.ts';
import type { EnvironmentRecord } from './record.ts';
import { roadTo } from './session.ts';
import { readVarsStore, storeLacks } from './vars-store.ts';

/** Who logs in to the machine over SSH, and the variable that holds the key. */
interface Login {
  readonly user: string;
  readonly variable: string;
}

/** bosh-deployment's jumpbox-user.yml makes the user on a director; the machine's own manifest gives vcap a key. */
const logins: Readonly<Record<EnvironmentRecord['profile'], Login>> = {
  machine: { user: 'vcap', variable: 'machine_ssh' },
  lite: { user: 'jumpbox', variable: 'jumpbox_ssh' },
  director: { user: 'jumpbox', variable: 'jumpbox_ssh' },
};

/** The name under which `boshvirt ssh` logs in. */
export const sshUser = ({ profile }: Pick<EnvironmentRecord, 'profile'>): string => logins[profile].user;

/** The private key for it, out of the vars-store. Throws STATE_DAMAGED if it is not there. */
export async function sshPrivateKey({
  name,
  profile,
}: Pick<EnvironmentRecord, 'name' | 'profile'>): Promise<string> {
  const { variable } = logins[profile];
  const pair = (await readVarsStore(name))[variable] as { private_key?: string } | undefined;
  return pair?.private_key || storeLacks(name, variable);
}

/** A client for the machine's agent. Throws STATE_DAMAGED if its secrets are not in the vars-store. */
export async function agentOf(record: EnvironmentRecord, log: Log): Promise<AgentClient> {
  const store = await readVarsStore(record.name);
  const ssl = store.mbus_bootstrap_ssl as { ca?: string } | undefined;
  const password = store.mbus_bootstrap_password;
  if (typeof password !== 'string' || !ssl?.ca)
    storeLacks(record.name, 'mbus_bootstrap_password or mbus_bootstrap_ssl');
  return new AgentClient({
    mbus: `https://mbus:${encodeURIComponent(password)}@${record.network.ip}:6868`,
    ca: ssl.ca,
    road: await roadTo(record),
    log,
  });
}
