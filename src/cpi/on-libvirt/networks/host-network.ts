import { parseXml, type XmlElement } from '../../../clients/libvirt/index.ts';
import { type Address, parseAddress, prefixLengthOf, type Range, rangeAround } from './addresses.ts';
import type { NetworkMode } from './network-properties.ts';
import { type NetworkRoute, waysIn } from './ways.ts';

/** A network of libvirt's, as its XML tells. */
export interface HostNetwork {
  readonly name: string;
  readonly mode: NetworkMode;
  readonly ranges: readonly HostRange[];
  /** What lies behind its guests. */
  readonly routes: readonly NetworkRoute[];
  /** Addresses that its DHCP server keeps for MACs. */
  readonly reservations: readonly Reservation[];
  /** Whose it is, if boshvirt made it. */
  readonly environment: string | undefined;
  /** NICs that are plugged into it now, anybody's. */
  readonly connections: number;
}

export interface HostRange {
  readonly range: Range;
  /** The host's own: the guests' gateway. */
  readonly address: Address;
  /** What DHCP gives to those that have no reservation. */
  readonly dhcp: readonly { readonly first: bigint; readonly last: bigint }[];
}

export interface Reservation {
  readonly mac: string;
  readonly ip: string;
  readonly name: string;
}

/** Other forward modes (bridge, macvtap's) put guests on a network of the host's own, of which libvirt knows no address. */
const modes: Readonly<Record<string, NetworkMode>> = { nat: 'nat', route: 'routed', open: 'routed' };

export function readHostNetwork(xml: string): HostNetwork {
  const network = parseXml(xml).child('network');
  const forward = network?.child('forward');
  const addresses = network?.children('ip') ?? [];
  return {
    name: network?.child('name')?.text ?? '',
    mode: forward ? (modes[forward.attribute('mode') ?? 'nat'] ?? 'bridge') : 'isolated',
    ranges: addresses.flatMap((ip) => readRange(ip) ?? []),
    routes: waysIn(xml).routes,
    reservations: addresses.flatMap((ip) => (ip.child('dhcp')?.children('host') ?? []).map(readReservation)),
    environment: network?.at('metadata', 'network')?.attribute('environment'),
    connections: Number(network?.attribute('connections') ?? 0),
  };
}

function readRange(ip: XmlElement): HostRange | undefined {
  const address = parseAddress(ip.attribute('address') ?? '');
  const bits = ip.attribute('prefix') ?? prefixLengthOf(ip.attribute('netmask') ?? '') ?? 24;
  if (!address) return undefined;
  const dhcp = ip.child('dhcp')?.children('range') ?? [];
  return { range: rangeAround(address, Number(bits)), address, dhcp: dhcp.flatMap(readDhcpRange) };
}

function readDhcpRange(range: XmlElement): { first: bigint; last: bigint }[] {
  const [start, end] = ['start', 'end'].map((key) => parseAddress(range.attribute(key) ?? ''));
  return start && end ? [{ first: start.value, last: end.value }] : [];
}

const readReservation = (host: XmlElement): Reservation => ({
  mac: host.attribute('mac') ?? '',
  ip: host.attribute('ip') ?? '',
  name: host.attribute('name') ?? '',
});
