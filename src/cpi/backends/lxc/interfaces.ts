import { escapeXml, fillTemplate, type Hole, markup } from '../../../platform/template.ts';
import type { NetworkSpec } from '../../agent/networks.ts';
import type { NicPlan, VmSpec } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { parseAddress, prefixLengthOf } from '../../on-libvirt/networks/addresses.ts';
import { nicSource } from '../../on-libvirt/networks/nics.ts';

/** The `<interface>` elements of a container: libvirt sets addresses and routes up before its init starts, eth0 first. */
export function interfacesXml({ nics, networks }: VmSpec): Hole {
  return markup(nics.map((nic, at) => interfaceXml(nic, `eth${at}`, networks)));
}

function interfaceXml(nic: NicPlan, device: string, networks: Readonly<Record<string, NetworkSpec>>): string {
  const specs = nic.networks.map((name) => ({ name, spec: networks[name] ?? {} }));
  return fillTemplate('lxc/nic.xml', {
    ...nicSource(nic.hostNetwork),
    mac: nic.mac,
    device,
    addresses: markup(specs.map(({ name, spec }) => addressXml(name, spec))),
    routes: markup(specs.flatMap(({ spec }) => routesOf(spec)).map(routeXml)),
  });
}

function addressXml(network: string, spec: NetworkSpec): string {
  const address = parseAddress(spec.ip ?? '');
  const prefix = prefixLengthOf(spec.netmask ?? '') ?? Number(spec.prefix);
  if (!address || !(prefix >= 0)) {
    throw new CloudError(
      'NotSupported',
      `Network '${network}' (${spec.type ?? 'manual'}) gives no address with a netmask; a container asks no DHCP server`,
      { hints: ['put the VM on a manual network, or on a dynamic one on a network of libvirt’s'] },
    );
  }
  return `<ip address="${escapeXml(spec.ip ?? '')}" family="${familyOf(address)}" prefix="${prefix}"/>`;
}

interface Route {
  readonly destination: string;
  readonly prefix: number;
  readonly gateway: string;
}

/** The default route, if the network carries it, and those that BOSH names besides (the agent's word for them is `routes`). */
function routesOf(spec: NetworkSpec): Route[] {
  const { gateway } = spec;
  const isV6 = parseAddress(gateway ?? '')?.family === 6;
  const byDefault =
    gateway && spec.default?.includes('gateway')
      ? [{ destination: isV6 ? '::' : '0.0.0.0', prefix: 0, gateway }]
      : [];
  return [...byDefault, ...(Array.isArray(spec.routes) ? spec.routes.flatMap(routeFrom) : [])];
}

function routeFrom(route: Partial<Record<'destination' | 'netmask' | 'gateway', string>>): Route[] {
  const { destination = '', netmask = '', gateway = '' } = route;
  const prefix = prefixLengthOf(netmask);
  return prefix === undefined ? [] : [{ destination, prefix, gateway }];
}

function routeXml({ destination, prefix, gateway }: Route): string {
  const address = parseAddress(gateway);
  const family = address ? familyOf(address) : 'ipv4';
  return `<route family="${family}" address="${escapeXml(destination)}" prefix="${prefix}" gateway="${escapeXml(gateway)}"/>`;
}

const familyOf = ({ family }: { readonly family: 4 | 6 }): string => `ipv${family}`;
