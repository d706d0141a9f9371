import { shortHash } from '../../../platform/ids.ts';
import { CloudError } from '../../errors.ts';
import { parseRange, type Range, sizeOf } from './addresses.ts';

const defaultBits = 24;
/** Where boshvirt's own environments have none of their ranges, and few others have. */
const place = parseRange('172.28.0.0/14') as Range;
/** As many as are tried: each one that is refused costs a try of libvirt's. */
const triesAtMost = 16;

/**
 * Ranges of the wanted size for a network of this CID, in the order in which to try them: two that are looked for at once
 * begin in different places. More than 30 bits mean IPv6, of which each CID has a range of its own (RFC 4193).
 */
export function rangesFor(cid: string, netmaskBits = defaultBits): Range[] {
  if (netmaskBits > 30) return [ownV6Range(cid, netmaskBits)];
  if (netmaskBits < place.prefixLength) {
    throw new CloudError(
      'CloudError',
      `create_network: no range of ${netmaskBits} bits is kept for networks that name none`,
      { hints: [`netmask_bits may be ${place.prefixLength} to 30, or 48 to 64 for IPv6; or name a range`] },
    );
  }
  const size = sizeOf({ family: 4, prefixLength: netmaskBits });
  const count = sizeOf(place) / size;
  const start = BigInt(`0x${shortHash(cid, 12)}`);
  const tries = Math.min(triesAtMost, Number(count));
  return Array.from({ length: tries }, (_, at) => ({
    family: 4,
    first: place.first + ((start + BigInt(at)) % count) * size,
    prefixLength: netmaskBits,
  }));
}

function ownV6Range(cid: string, prefixLength: number): Range {
  if (prefixLength < 48 || prefixLength > 64)
    throw new CloudError('CloudError', `create_network: netmask_bits ${prefixLength} is for no network`, {
      hints: ['netmask_bits may be up to 30, or 48 to 64 for IPv6; or name a range'],
    });
  const digits = `fd${shortHash(cid, 14)}`; // the bits that are ours, eight bytes
  const kept = (BigInt(`0x${digits}`) >> BigInt(64 - prefixLength)) << BigInt(64 - prefixLength);
  return { family: 6, first: kept << 64n, prefixLength };
}
