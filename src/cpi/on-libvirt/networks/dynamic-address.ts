import { shortHash } from '../../../platform/ids.ts';
import type { NetworkSpec } from '../../agent/networks.ts';
import { CloudError } from '../../errors.ts';
import {
  type Address,
  contains,
  formatAddress,
  lastOf,
  netmaskOf,
  parseAddress,
  sizeOf,
} from './addresses.ts';
import type { HostNetwork, HostRange } from './host-network.ts';

/**
 * An address for a dynamic network: what bosh had before if it is free, else one of those that the network's DHCP server may
 * give, or of its range's upper half where it gives none by itself: the lower half is for manual networks. Where the search
 * begins depends on `seed`, so that an address that was just given up rests. Pure; throws NotSupported or VMCreationFailed.
 */
export function chooseDynamicAddress(
  network: HostNetwork,
  spec: NetworkSpec,
  taken: ReadonlySet<string>,
  seed: string,
): NetworkSpec {
  const own = network.ranges.find(({ range }) => range.family === 4);
  if (!own) throw nobodyKnows(network);
  const free = (address: Address) =>
    contains(own.range, address) && address.value !== own.address.value && !taken.has(formatAddress(address));
  const before = parseAddress(spec.ip ?? '');
  const chosen = before && free(before) ? before : candidates(own, seed).find(free);
  if (!chosen) throw noneLeft(network);
  const gateway = network.mode === 'isolated' ? {} : { gateway: formatAddress(own.address) };
  return { ...spec, ip: formatAddress(chosen), netmask: netmaskOf(own.range), ...gateway };
}

/** At most this many are looked at, in a range however large. */
const candidatesAtMost = 4096n;

function candidates({ range, dhcp }: HostRange, seed: string): Address[] {
  const upperHalf = { first: range.first + sizeOf(range) / 2n, last: lastOf(range) - 1n };
  return (dhcp.length > 0 ? dhcp : [upperHalf]).flatMap(({ first, last }) => {
    const count = last - first + 1n;
    const start = BigInt(`0x${shortHash(seed, 12)}`);
    const tries = Math.max(0, Number(count < candidatesAtMost ? count : candidatesAtMost));
    return Array.from(
      { length: tries },
      (_, at): Address => ({ family: 4, value: first + ((start + BigInt(at)) % count) }),
    );
  });
}

function nobodyKnows({ name, mode }: HostNetwork): CloudError {
  const why =
    mode === 'bridge' ? 'it is a bridge to a network with a DHCP server of its own' : 'it has no IPv4 range';
  return new CloudError(
    'NotSupported',
    `libvirt's network '${name}' gives no dynamic address that BOSH would know: ${why}`,
    { hints: ['use a manual network on it, or a dynamic one on a network of libvirt’s with an IPv4 range'] },
  );
}

function noneLeft({ name }: HostNetwork): CloudError {
  return new CloudError('VMCreationFailed', `libvirt's network '${name}' has no free dynamic address`, {
    okToRetry: true, // VMs come and go
    hints: ['delete VMs on it, or use a network with a larger range'],
  });
}
