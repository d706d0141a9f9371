import type { Domain } from '../../clients/libvirt/index.ts';
import type { NetworkSpec } from '../agent/networks.ts';
import type {
  CreatedNetwork,
  JsonObject,
  NetworkCid,
  NetworkPlan,
  NetworkRequest,
  NetworkStore,
  NicPlan,
  VmCid,
  VmSpec,
} from '../backend.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { chooseAddresses, releaseAddresses, reserveAddresses } from './networks/dynamic-networks.ts';
import { openPorts, withoutForwards } from './networks/forward-host.ts';
import { requireHostNetworks } from './networks/host-checks.ts';
import { createNetwork, deleteNetwork } from './networks/managed-networks.ts';
import { parseNetworkProperties } from './networks/network-properties.ts';
import { hostNetworkOf, nicsFor, type WantedNetwork } from './networks/nics.ts';
import { vmPorts } from './networks/port-properties.ts';
import { refuseTakenAddresses } from './networks/taken-addresses.ts';
import { holdingsOf } from './vm-records.ts';

/** NICs on libvirt's networks and on bridges of the host; networks for directors that manage them. */
export class LibvirtNetworks implements NetworkStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  async plan(
    vm: VmCid,
    networks: Readonly<Record<string, NetworkSpec>>,
    cloudProperties: JsonObject,
  ): Promise<NetworkPlan> {
    await this.#host.locks[Symbol.asyncDispose](); // those of a VM that was planned and not made
    const wanted = Object.entries(networks).map(([name, spec]) => this.#wanted(name, spec));
    nicsFor(vm, wanted); // refuses groups that cannot be before anything is asked for
    await requireHostNetworks(this.#host, wanted, vmPorts(cloudProperties));
    const addresses = await chooseAddresses(this.#host, vm, wanted);
    const planned = wanted.map((network) => ({
      ...network,
      spec: addresses.get(network.name) ?? network.spec,
    }));
    const nics = nicsFor(vm, planned);
    return { nics, networks: withMacs(planned, nics) };
  }

  #wanted(name: string, spec: NetworkSpec): WantedNetwork {
    const properties = parseNetworkProperties(name, spec.cloud_properties ?? {}, this.#host.log);
    return { name, spec, properties, hostNetwork: hostNetworkOf(properties, this.#host.config.network) };
  }

  async create(cid: NetworkCid, request: NetworkRequest): Promise<CreatedNetwork> {
    return await createNetwork(this.#host, cid, request);
  }

  async delete(cid: NetworkCid): Promise<void> {
    await deleteNetwork(this.#host, cid);
  }
}

/**
 * Makes a VM's addresses, and the host's ports that lead to it, its own, once it is defined and before it starts. Throws a
 * VMCreationFailed that names the owner of one that another VM has.
 */
export async function takeAddresses(host: LibvirtHost, spec: VmSpec): Promise<void> {
  await refuseTakenAddresses(host, spec.cid, spec.nics);
  await host.locks[Symbol.asyncDispose](); // whoever looks for a free address now sees this VM's
  await reserveAddresses(host, spec);
  await openPorts(host, spec);
}

/** Gives up what `takeAddresses` took, and takes the VM's definition away by `undefine`. Idempotent. */
export async function giveUpAddresses(
  host: LibvirtHost,
  domain: Domain,
  undefine: () => Promise<void>,
): Promise<void> {
  const { dynamicNics, hasForwards } = await holdingsOf(domain);
  await releaseAddresses(host, dynamicNics);
  if (hasForwards) await withoutForwards(host, domain.name, undefine);
  else await undefine();
}

/** The request's networks, verbatim, each with the MAC that its NIC has (contract 1.6). */
function withMacs(
  networks: readonly WantedNetwork[],
  nics: readonly NicPlan[],
): Readonly<Record<string, NetworkSpec>> {
  const macs = new Map(nics.flatMap(({ networks, mac }) => networks.map((name) => [name, mac])));
  return Object.fromEntries(
    networks.map(({ name, spec }) => {
      const mac = macs.get(name);
      return [name, mac === undefined ? spec : { ...spec, mac }];
    }),
  );
}
