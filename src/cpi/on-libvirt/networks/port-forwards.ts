import { silentLog } from '../../../platform/log.ts';
import type { NetworkSpec } from '../../agent/networks.ts';
import { formatRange, parseAddress, prefixLengthOf, rangeAround } from './addresses.ts';
import { type PortProperties, parseNetworkProperties } from './network-properties.ts';

/** Ports of the host that lead to a VM. */
export interface PortForward {
  readonly protocol: 'tcp' | 'udp';
  /** The host's ports, both ends included. */
  readonly first: number;
  readonly last: number;
  /** The address of the host's that is listened at; any if it is not given. */
  readonly at: string | undefined;
  /** The VM's address. */
  readonly to: string;
  /** The VM's port; the same as the host's if it is not given. */
  readonly port: number | undefined;
  /** The range that the VM's address lies in: its neighbours ask the host too. */
  readonly neighbours: string;
}

/**
 * The forwards that a VM's planned networks ask for: to a network's own address, and a vip's to the network with the default
 * gateway. Networks without an IPv4 address have none.
 */
export function forwardsOf(networks: Readonly<Record<string, NetworkSpec>>): PortForward[] {
  return Object.entries(networks).flatMap(([name, spec]) => {
    const { ports } = parseNetworkProperties(name, spec.cloud_properties ?? {}, silentLog);
    const target = spec.type === 'vip' ? networks[vipTarget(networks) ?? ''] : spec;
    const at = spec.type === 'vip' ? spec.ip || undefined : undefined;
    return target ? ports.flatMap((each) => forwardTo(target, each, at) ?? []) : [];
  });
}

function forwardTo(
  { ip = '', netmask = '', prefix }: NetworkSpec,
  { protocol, host, guest }: PortProperties,
  at: string | undefined,
): PortForward | undefined {
  const address = parseAddress(ip);
  if (address?.family !== 4) return undefined;
  const neighbours = formatRange(rangeAround(address, prefixLengthOf(netmask) ?? Number(prefix ?? 32)));
  return { protocol, first: host.first, last: host.last, at, to: ip, port: guest, neighbours };
}

/** The network that a VM's vips lead to: the default gateway's, else the first, of those that have an IPv4 address or will have one. */
export function vipTarget(networks: Readonly<Record<string, NetworkSpec>>): string | undefined {
  const isReal = ({ type, ip }: NetworkSpec) => type === 'dynamic' || parseAddress(ip ?? '')?.family === 4;
  const real = Object.entries(networks).filter(([, spec]) => spec.type !== 'vip' && isReal(spec));
  const [name] = real.find(([, spec]) => spec.default?.includes('gateway')) ?? real[0] ?? [];
  return name;
}

/** Whether two forwards want the same port of the host's. */
export function collide(a: PortForward, b: PortForward): boolean {
  const sameAddress = a.at === undefined || b.at === undefined || a.at === b.at;
  return a.protocol === b.protocol && sameAddress && a.first <= b.last && b.first <= a.last;
}

/** `tcp 8080`, `udp 1024-1123 at 192.0.2.1`. */
export function describeForward({ protocol, first, last, at }: PortForward): string {
  return `${protocol} ${first === last ? first : `${first}-${last}`}${at === undefined ? '' : ` at ${at}`}`;
}
