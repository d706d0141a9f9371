import { CloudError } from '../../errors.ts';
import { networkNotFound } from '../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { contains, formatAddress, formatRange, isForMachines, parseAddress } from './addresses.ts';
import { requireForwarding } from './forward-host.ts';
import { type HostNetwork, readHostNetwork } from './host-network.ts';
import type { NetworkMode } from './network-properties.ts';
import { hostBridge, type WantedNetwork } from './nics.ts';
import { vipTarget } from './port-forwards.ts';
import type { PortProperties } from './port-properties.ts';

/**
 * Throws if a VM with these ports of its own cannot be on these networks: NetworkNotFound for one that libvirt lacks, NotSupported for a bare vip, a network of
 * another mode than is asked for, or ports that cannot be forwarded, VMCreationFailed for addresses that no machine can have there.
 */
export async function requireHostNetworks(
  host: LibvirtHost,
  networks: readonly WantedNetwork[],
  ownPorts: readonly PortProperties[],
): Promise<void> {
  if (ownPorts.length > 0) requireForwarding(host);
  for (const network of networks) {
    if (network.spec.type === 'vip') requireVip(network, networks);
    else if (network.spec.type !== 'dynamic') requireAddress(network);
    if (network.properties.ports.length > 0) requireForwarding(host);
  }
  const plugged = networks.filter(({ spec }) => spec.type !== 'vip');
  const hasVip = plugged.length < networks.length;
  const target = hasVip || ownPorts.length > 0 ? requireTarget(networks, ownPorts) : undefined;
  const isLedInto = ({ name, properties }: WantedNetwork) => name === target || properties.ports.length > 0;
  const who = ({ name }: WantedNetwork) =>
    name === target && ownPorts.length > 0 ? `cloud_properties.ports: networks.${name}` : `networks.${name}`;
  const onLibvirt = plugged.filter(({ hostNetwork }) => hostBridge(hostNetwork) === undefined);
  for (const name of new Set(onLibvirt.map(({ hostNetwork }) => hostNetwork))) {
    const there = await requireNetwork(host, name);
    for (const network of onLibvirt.filter(({ hostNetwork }) => hostNetwork === name)) {
      requireMode(network, there);
      if (isLedInto(network)) requireWayIn(who(network), network, there.mode);
      if (network.spec.type !== 'dynamic') requireOwnAddress(host, network, there);
    }
  }
  for (const network of plugged.filter((each) => !onLibvirt.includes(each))) {
    if (isLedInto(network)) requireWayIn(who(network), network, 'bridge');
    if (network.spec.type === 'dynamic') throw dynamicOnBridge(network);
  }
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

/** Forwards lead to an IPv4 address from elsewhere: a bridge's VMs can be reached without, and an isolated network's are not to be. */
function requireWayIn(where: string, { spec }: WantedNetwork, mode: NetworkMode): void {
  if (mode === 'isolated' || mode === 'bridge')
    throw new CloudError(
      'NotSupported',
      `${where}: no ports of the host lead into a network of mode ${mode}`,
    );
  if (spec.type !== 'dynamic' && parseAddress(spec.ip ?? '')?.family !== 4)
    throw new CloudError(
      'NotSupported',
      `${where}: ports lead to IPv4 addresses alone, and this is ${spec.ip}`,
    );
}

/** A vip is the host's own address, or all of them, at the ports that are forwarded; it has nothing else to give. */
function requireVip({ name, spec, properties }: WantedNetwork, networks: readonly WantedNetwork[]): void {
  if (properties.ports.length === 0)
    throw new CloudError(
      'NotSupported',
      `Network '${name}' is of type vip: boshvirt gives no addresses of the host's own to VMs`,
      {
        hints: [
          'leave the vip network out; the host reaches VMs at their manual or dynamic addresses',
          'or forward ports of the host’s: cloud_properties: { ports: [{ host: 8080, guest: 80 }] }',
        ],
      },
    );
  if (spec.ip && parseAddress(spec.ip)?.family !== 4)
    throw new CloudError('VMCreationFailed', `networks.${name}.ip: ${spec.ip} is no IPv4 address`);
  if (!networks.some((each) => each.spec.type !== 'vip'))
    throw new CloudError('CloudError', `networks.${name}: a vip needs another network that it leads to`);
}

/** The name of the network that vips and the VM's own ports lead to. */
function requireTarget(networks: readonly WantedNetwork[], ownPorts: readonly PortProperties[]): string {
  const target = vipTarget(Object.fromEntries(networks.map(({ name, spec }) => [name, spec])));
  if (target !== undefined) return target;
  const who = ownPorts.length > 0 ? 'cloud_properties.ports: ports lead' : 'A vip leads';
  throw new CloudError('NotSupported', `${who} to an IPv4 address alone, and the VM is to have none`);
}

function dynamicOnBridge({ name, hostNetwork }: WantedNetwork): CloudError {
  return new CloudError(
    'NotSupported',
    `Network '${name}' is dynamic and on the host's bridge ${hostBridge(hostNetwork)}: what the DHCP server there gives nobody could tell BOSH`,
    { hints: ['use a manual network on the bridge'] },
  );
}
