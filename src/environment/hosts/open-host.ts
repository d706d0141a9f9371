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
