import * as z from 'zod/mini';
import { macFor } from '../../platform/ids.ts';
import type { Log } from '../../platform/log.ts';
import type { NetworkSpec } from '../agent/networks.ts';
import type { NetworkPlan, NetworkStore, NicPlan, VmCid } from '../backend.ts';
import { parseProperties, warnOfUnknown } from '../cloud-properties.ts';
import { CloudError } from '../errors.ts';
import type { LibvirtHost } from './libvirt-host.ts';
import { vmRecords } from './vm-records.ts';

const networkSchema = z.object({ name: z._default(z.string(), '') });
const knownNetworkKeys = new Set(['name']);

/** NICs on libvirt's networks. A network's `cloud_properties.name` is libvirt's name; without it, the configured one. */
export class LibvirtNetworks implements NetworkStore {
  readonly #host: LibvirtHost;

  constructor(host: LibvirtHost) {
    this.#host = host;
  }

  async plan(vm: VmCid, networks: Readonly<Record<string, NetworkSpec>>): Promise<NetworkPlan> {
    const vip = Object.entries(networks).find(([, network]) => network.type === 'vip');
    if (vip)
      throw new CloudError('NotSupported', `Network '${vip[0]}' is of type vip, which is not supported`);
    const nics = gatewayFirst(networks).map(([name, network]) => this.#nic(vm, name, network));
    await this.#requireNetworks(nics);
    return { nics, networks: withMacs(networks, nics) };
  }

  async create(): Promise<never> {
    throw new CloudError('NotImplemented', 'create_network');
  }

  async delete(): Promise<never> {
    throw new CloudError('NotImplemented', 'delete_network');
  }

  #nic(vm: VmCid, network: string, spec: NetworkSpec): NicPlan {
    const name = parseNetworkProperties(network, spec.cloud_properties ?? {}, this.#host.log);
    const hostNetwork = name === '' ? this.#host.config.network : name;
    return { networks: [network], hostNetwork, mac: macFor(vm, network), ips: spec.ip ? [spec.ip] : [] };
  }

  async #requireNetworks(nics: readonly NicPlan[]): Promise<void> {
    for (const name of new Set(nics.map((nic) => nic.hostNetwork))) {
      if (await this.#host.libvirt.findNetwork(name)) continue;
      throw new CloudError(
        'NetworkNotFound',
        `There is no libvirt network '${name}' at ${this.#host.config.uri}`,
        {
          hints: [
            'boshvirt up makes the environment’s network; cloud_properties.name of a network names another one',
          ],
        },
      );
    }
  }
}

/**
 * Throws a VMCreationFailed that names the owner if a VM other than `vm` has an address of these NICs. To be asked once `vm`
 * is defined: of two processes that want one address at once the later one then sees the other's VM, or each of them does.
 */
export async function refuseTakenAddresses(
  host: LibvirtHost,
  vm: VmCid,
  nics: readonly NicPlan[],
): Promise<void> {
  const others = (await vmRecords(host.libvirt)).filter(({ cid }) => cid !== vm);
  for (const { ip, hostNetwork } of nics.flatMap((nic) => nic.ips.map((ip) => ({ ...nic, ip })))) {
    const owner = others.find((other) =>
      other.nics.some((nic) => nic.hostNetwork === hostNetwork && nic.ips.includes(ip)),
    );
    if (!owner) continue;
    throw new CloudError(
      'VMCreationFailed',
      `Address ${ip} on network ${hostNetwork} is in use by VM ${owner.cid}`,
      {
        okToRetry: true, // the VM may be on its way out
        hints: [
          `if no BOSH knows that VM, since its create_vm was killed, delete it: echo '{"method":"delete_vm","arguments":["${owner.cid}"]}' | boshvirt cpi --config CPI.JSON`,
        ],
      },
    );
  }
}

/** The request's networks, verbatim, each with the MAC that its NIC has (contract 1.6). */
function withMacs(
  networks: Readonly<Record<string, NetworkSpec>>,
  nics: readonly NicPlan[],
): Readonly<Record<string, NetworkSpec>> {
  const macs = new Map(nics.flatMap((nic) => nic.networks.map((name) => [name, nic.mac])));
  return Object.fromEntries(
    Object.entries(networks).map(([name, network]) => {
      const mac = macs.get(name);
      return [name, mac === undefined ? network : { ...network, mac }];
    }),
  );
}

/** The request's order, with the network that carries the default gateway in front (contract 8.1, 10). */
function gatewayFirst(networks: Readonly<Record<string, NetworkSpec>>): [string, NetworkSpec][] {
  const isGateway = ([, network]: [string, NetworkSpec]) => network.default?.includes('gateway') ?? false;
  const entries = Object.entries(networks);
  return [...entries.filter(isGateway), ...entries.filter((entry) => !isGateway(entry))];
}

/** The libvirt network that a network's cloud properties name; '' if they name none. */
export function parseNetworkProperties(
  network: string,
  properties: Readonly<Record<string, unknown>>,
  log: Log,
): string {
  const { name } = parseProperties(networkSchema, properties, `networks.${network}.cloud_properties`);
  warnOfUnknown(`network ${network}`, properties, knownNetworkKeys, log);
  return name;
}
