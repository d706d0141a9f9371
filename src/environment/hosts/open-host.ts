import type { Backend, BackendConfig, JsonObject } from '../../cpi/backend.ts';
import { backendModule } from '../../cpi/backends/registry.ts';
import type { Log } from '../../platform/log.ts';
import { readHosts, type SshHost } from './hosts-record.ts';

/** Opens a host's backend as the CPI does. Throws if its libvirt does not answer. */
export async function openHost(host: SshHost, log: Log): Promise<Backend> {
  return await (await backendModule(host.backend)).open(configOf(host), log);
}

const configOf = ({ environment, uri, pool, network, options }: SshHost): BackendConfig => ({
  environment,
  uri,
  storagePool: pool.name,
  network: network.name,
  options: options as JsonObject,
});

/** The part of an environment's cpi.json that says which hosts a director may name by its cpi-config. */
export async function cpiHosts(environment: string): Promise<JsonObject> {
  const { hosts } = await readHosts(environment);
  const joined = hosts.filter(({ phase }) => phase !== 'joining');
  const reached = joined.filter((host) => host.kind === 'ssh');
  const served = joined.filter((host) => host.kind === 'served');
  return {
    hosts: Object.fromEntries(reached.map((host) => [host.name, cpiHost(host)])),
    served_hosts: Object.fromEntries(served.map((host) => [host.name, host.served])),
  };
}

function cpiHost(host: SshHost): JsonObject {
  return {
    backend: host.backend,
    environment: host.environment,
    libvirt: { uri: host.uri },
    storage_pool: host.pool.name,
    network: host.network.name,
    [host.backend]: host.options as JsonObject,
  };
}

/** Whether ssh to one of the hosts goes by the machine's own network alone, not by that of a private libvirt host's bridges. */
export const needsMachinesNetwork = async (environment: string): Promise<boolean> =>
  (await readHosts(environment)).hosts.some(
    ({ kind, tunnel }) => kind === 'ssh' && tunnel.underlay === 'machine',
  );
