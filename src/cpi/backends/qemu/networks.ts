import { macFor } from '../../../platform/ids.ts';
import type { NetworkSpec } from '../../agent/networks.ts';
import type { NetworkStore, NicPlan, VmCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { QemuHost } from './host.ts';
import { parseNetworkProperties } from './options.ts';
import { vmRecords } from './vm-records.ts';

/** NICs on libvirt's networks. A network's `cloud_properties.name` is libvirt's name; without it, the configured one. */
export class QemuNetworks implements NetworkStore {
  readonly #host: QemuHost;

  constructor(host: QemuHost) {
    this.#host = host;
  }

  async plan(vm: VmCid, networks: Readonly<Record<string, NetworkSpec>>): Promise<NicPlan[]> {
    const vip = Object.entries(networks).find(([, network]) => network.type === 'vip');
    if (vip)
      throw new CloudError('NotSupported', `Network '${vip[0]}' is of type vip, which qemu does not support`);
    const nics = gatewayFirst(networks).map(([name, network]) => this.#nic(vm, name, network));
    await this.#requireNetworks(nics);
    return nics;
  }

  #nic(vm: VmCid, network: string, spec: NetworkSpec): NicPlan {
    const name = parseNetworkProperties(network, spec.cloud_properties ?? {}, this.#host.log);
    const hostNetwork = name === '' ? this.#host.config.network : name;
    return { network, hostNetwork, mac: macFor(vm, network), ip: spec.ip ?? undefined };
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
  host: QemuHost,
  vm: VmCid,
  nics: readonly NicPlan[],
): Promise<void> {
  const others = (await vmRecords(host.libvirt)).filter(({ cid }) => cid !== vm);
  for (const nic of nics.filter(({ ip }) => ip !== undefined)) {
    const owner = others.find((other) =>
      other.nics.some(({ ip, hostNetwork }) => ip === nic.ip && hostNetwork === nic.hostNetwork),
    );
    if (!owner) continue;
    throw new CloudError(
      'VMCreationFailed',
      `Address ${nic.ip} on network ${nic.hostNetwork} is in use by VM ${owner.cid}`,
      {
        okToRetry: true, // the VM may be on its way out
        hints: [
          `if no BOSH knows that VM, since its create_vm was killed, delete it: echo '{"method":"delete_vm","arguments":["${owner.cid}"]}' | boshvirt cpi --config CPI.JSON`,
        ],
      },
    );
  }
}

/** The request's order, with the network that carries the default gateway in front (contract 8.1, 10). */
function gatewayFirst(networks: Readonly<Record<string, NetworkSpec>>): [string, NetworkSpec][] {
  const isGateway = ([, network]: [string, NetworkSpec]) => network.default?.includes('gateway') ?? false;
  const entries = Object.entries(networks);
  return [...entries.filter(isGateway), ...entries.filter((entry) => !isGateway(entry))];
}
