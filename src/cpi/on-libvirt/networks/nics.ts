import { macFor } from '../../../platform/ids.ts';
import { escapeXml, type Hole, markup } from '../../../platform/template.ts';
import type { NetworkSpec } from '../../agent/networks.ts';
import type { NicPlan, VmCid } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { NetworkProperties } from './network-properties.ts';

/** A network of create_vm's, with what its cloud properties say. */
export interface WantedNetwork {
  readonly name: string;
  readonly spec: NetworkSpec;
  readonly properties: NetworkProperties;
  /** What its NIC is plugged into: see `hostNetworkOf`. */
  readonly hostNetwork: string;
}

const bridgeMark = 'bridge:';

/** A network's name at libvirt, or `bridge:NAME` for a bridge of the host's own. */
export function hostNetworkOf({ name, bridge }: NetworkProperties, configured: string): string {
  if (bridge !== '') return `${bridgeMark}${bridge}`;
  return name === '' ? configured : name;
}

/** The bridge that `hostNetwork` stands for; undefined for a network of libvirt's. */
export function hostBridge(hostNetwork: string): string | undefined {
  return hostNetwork.startsWith(bridgeMark) ? hostNetwork.slice(bridgeMark.length) : undefined;
}

/** The type of an `<interface>` of a domain, and its `<source>`. */
export function nicSource(hostNetwork: string): { type: 'network' | 'bridge'; source: Hole } {
  const bridge = hostBridge(hostNetwork);
  return bridge === undefined
    ? { type: 'network', source: markup(`<source network="${escapeXml(hostNetwork)}"/>`) }
    : { type: 'bridge', source: markup(`<source bridge="${escapeXml(bridge)}"/>`) };
}

/**
 * NICs in the request's order, the one with the default gateway in front (contract 8.1, 10). Networks of one nic_group share
 * a NIC, and so its MAC; they have to be on one host network. A vip has no NIC.
 */
export function nicsFor(vm: VmCid, networks: readonly WantedNetwork[]): NicPlan[] {
  const groups = Map.groupBy(
    networks.filter(({ spec }) => spec.type !== 'vip'),
    groupOf,
  );
  const isGateway = (group: readonly WantedNetwork[]) =>
    group.some(({ spec }) => spec.default?.includes('gateway'));
  const ordered = [...groups.values()].sort((a, b) => Number(isGateway(b)) - Number(isGateway(a)));
  return ordered.map((group) => nicFor(vm, group));
}

/** Two networks without a group never share one, whatever their names are. */
const groupOf = ({ name, spec }: WantedNetwork): string =>
  spec.nic_group === undefined || spec.nic_group === null ? `network ${name}` : `group ${spec.nic_group}`;

function nicFor(vm: VmCid, group: readonly WantedNetwork[]): NicPlan {
  const [first] = group as [WantedNetwork];
  const stranger = group.find(({ hostNetwork }) => hostNetwork !== first.hostNetwork);
  if (stranger) {
    throw new CloudError(
      'CloudError',
      `Networks '${first.name}' and '${stranger.name}' share a NIC (nic_group ${first.spec.nic_group}) and name two networks of the host: ${first.hostNetwork} and ${stranger.hostNetwork}`,
      { hints: ['give them one cloud_properties.name, or no common nic_group'] },
    );
  }
  return {
    networks: group.map(({ name }) => name),
    hostNetwork: first.hostNetwork,
    mac: macFor(vm, first.name),
    ips: group.flatMap(({ spec }) => (spec.ip ? [spec.ip] : [])),
  };
}
