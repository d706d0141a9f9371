import { CloudError } from '../../errors.ts';
import { networkNotFound } from '../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { contains, formatAddress, formatRange, isForMachines, parseAddress } from './addresses.ts';
import { type HostNetwork, readHostNetwork } from './host-network.ts';
import { hostBridge, type WantedNetwork } from './nics.ts';

/**
 * Throws if a VM cannot be on these networks: NetworkNotFound for one that libvirt lacks, NotSupported for a vip or a network of
 * another mode than is asked for, VMCreationFailed for addresses that no machine can have there.
 */
export async function requireHostNetworks(
  host: LibvirtHost,
  networks: readonly WantedNetwork[],
): Promise<void> {
  for (const network of networks) {
    if (network.spec.type === 'vip') throw vipNotSupported(network);
    if (network.spec.type !== 'dynamic') requireAddress(network);
  }
  const onLibvirt = networks.filter(({ hostNetwork }) => hostBridge(hostNetwork) === undefined);
  for (const name of new Set(onLibvirt.map(({ hostNetwork }) => hostNetwork))) {
    const there = await requireNetwork(host, name);
    for (const network of onLibvirt.filter(({ hostNetwork }) => hostNetwork === name)) {
      requireMode(network, there);
      if (network.spec.type !== 'dynamic') requireOwnAddress(host, network, there);
    }
  }
  for (const { name, spec, hostNetwork } of networks)
    if (spec.type === 'dynamic' && hostBridge(hostNetwork) !== undefined)
      throw dynamicOnBridge(name, hostNetwork);
}

async function requireNetwork({ libvirt, config }: LibvirtHost, name: string): Promise<HostNetwork> {
  const network = await libvirt.findNetwork(name);
  if (!network) throw networkNotFound(name, config.uri);
  const [xml, active] = await Promise.all([network.xml(), network.isActive()]);
  if (active) return readHostNetwork(xml);
  throw new CloudError('CloudError', `libvirt's network '${name}' at ${config.uri} is stopped`, {
    hints: [`boshvirt up starts the environment’s networks, and so does: virsh net-start ${name}`],
  });
}

function requireMode({ name, properties: { mode } }: WantedNetwork, there: HostNetwork): void {
  if (mode === undefined || mode === there.mode) return;
  throw new CloudError(
    'NotSupported',
    `networks.${name}.cloud_properties.mode: ${mode} is asked for, and libvirt's network '${there.name}' is ${there.mode}`,
    {
      hints: [
        `name a network of mode ${mode}: cloud_properties.name`,
        'or have one made: a network with managed: true and this mode',
      ],
    },
  );
}

function requireAddress({ name, spec: { ip } }: WantedNetwork): void {
  if (ip !== undefined && ip !== null && parseAddress(ip)) return;
  throw new CloudError(
    'VMCreationFailed',
    `networks.${name}.ip: a manual network needs an IP address, got ${ip ?? 'none'}`,
  );
}

/** An address outside of the network's ranges may be meant (a route leads to it): that is only said. */
function requireOwnAddress({ log }: LibvirtHost, { name, spec }: WantedNetwork, there: HostNetwork): void {
  const address = parseAddress(spec.ip ?? '');
  if (!address) return;
  const own = there.ranges.filter(({ range }) => range.family === address.family);
  const home = own.find(({ range }) => contains(range, address));
  const text = formatAddress(address);
  if (!home) {
    if (own.length > 0)
      log.warn(
        `network ${name}: ${text} is in no range of libvirt's network '${there.name}' (${own.map(({ range }) => formatRange(range)).join(', ')})`,
      );
    return;
  }
  if (home.address.value !== address.value && isForMachines(home.range, address)) return;
  const why = home.address.value === address.value ? 'is the host’s own' : 'means the network itself';
  throw new CloudError(
    'VMCreationFailed',
    `networks.${name}.ip: ${text} ${why} on libvirt's network '${there.name}'`,
  );
}

function vipNotSupported({ name }: WantedNetwork): CloudError {
  return new CloudError(
    'NotSupported',
    `Network '${name}' is of type vip: boshvirt gives no addresses of the host's own to VMs`,
    { hints: ['leave the vip network out; the host reaches VMs at their manual or dynamic addresses'] },
  );
}

function dynamicOnBridge(name: string, hostNetwork: string): CloudError {
  return new CloudError(
    'NotSupported',
    `Network '${name}' is dynamic and on the host's bridge ${hostBridge(hostNetwork)}: what the DHCP server there gives nobody could tell BOSH`,
    { hints: ['use a manual network on the bridge'] },
  );
}
