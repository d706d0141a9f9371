import type { Backend, BackendConfig, JsonObject } from '../../cpi/backend.ts';
import { backendModule } from '../../cpi/backends/registry.ts';
import type { Log } from '../../platform/log.ts';
import { type HostRecord, readHosts } from './hosts-record.ts';

/** Opens a host's backend as the CPI does. Throws if its libvirt does not answer. */
export async function openHost(host: HostRecord, log: Log): Promise<Backend> {
  return await (await backendModule(host.backend)).open(configOf(host), log);
}

const configOf = ({ environment, uri, pool, network, options }: HostRecord): BackendConfig => ({
  environment,
  uri,
  storagePool: pool.name,
  network: network.name,
  options: options as JsonObject,
});

/** The `hosts` of an environment's cpi.json: those that a director may name by its cpi-config. */
export async function cpiHosts(environment: string): Promise<JsonObject> {
  const { hosts } = await readHosts(environment);
  const joined = hosts.filter(({ phase }) => phase !== 'joining');
  return Object.fromEntries(
    joined.map((host) => [
      host.name,
      {
        backend: host.backend,
        environment: host.environment,
        libvirt: { uri: host.uri },
        storage_pool: host.pool.name,
        network: host.network.name,
        [host.backend]: host.options as JsonObject,
      },
    ]),
  );
}

/** Whether one of the hosts is reached by the machine's own network alone, not by that of a private libvirt host's bridges. */
export const needsMachinesNetwork = async (environment: string): Promise<boolean> =>
  (await readHosts(environment)).hosts.some(({ tunnel }) => tunnel.underlay === 'machine');
