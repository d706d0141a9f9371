import { isDeepStrictEqual } from 'node:util';
import { silentLog } from '../../../platform/log.ts';
import type { NetworkSpec } from '../../agent/networks.ts';
import type { VmSpec } from '../../backend.ts';
import { formatRange, parseAddress, prefixLengthOf, rangeAround } from './addresses.ts';
import { parseNetworkProperties } from './network-properties.ts';
import { type PortProperties, vmPorts } from './port-properties.ts';

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
 * The forwards that a planned VM asks for: a network's lead to its own address, a vip's and the VM's own to the network with the
 * default gateway. Networks without an IPv4 address have none. What is asked for twice in the same words is one.
 */
export function forwardsOf({ networks, cloudProperties }: WhatForwards): PortForward[] {
  const main = networks[vipTarget(networks) ?? ''];
  const ofNetworks = Object.entries(networks).flatMap(([name, spec]) => {
    const { ports } = parseNetworkProperties(name, spec.cloud_properties ?? {}, silentLog);
    const at = spec.type === 'vip' ? spec.ip || undefined : undefined;
    return forwardsTo(spec.type === 'vip' ? main : spec, ports, at);
  });
  const all = [...ofNetworks, ...forwardsTo(main, vmPorts(cloudProperties))];
  return all.filter((each, at) => !all.slice(0, at).some((before) => isDeepStrictEqual(before, each)));
}

type WhatForwards = Pick<VmSpec, 'networks' | 'cloudProperties'>;

const forwardsTo = (
  target: NetworkSpec | undefined,
  ports: readonly PortProperties[],
  at?: string,
): PortForward[] => (target ? ports.flatMap((each) => forwardTo(target, each, at) ?? []) : []);

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

/** The network that a VM's vips and its own ports lead to: the default gateway's, else the first, of those that have an IPv4 address or will have one. */
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
