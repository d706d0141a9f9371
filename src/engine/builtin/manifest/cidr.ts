import { BlockList, isIP } from 'node:net';

/** An address range like `10.0.0.0/24`, IPv4 or IPv6. */
export interface Cidr {
  readonly family: 'ipv4' | 'ipv6';
  readonly prefixLength: number;
  contains(ip: string): boolean;
}

/** undefined for a text that is no range. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', digits = ''] = text.split('/');
  const version = isIP(address);
  const prefixLength = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  if (version === 0 || !(prefixLength <= (version === 4 ? 32 : 128))) return undefined;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, prefixLength, family);
  return { family, prefixLength, contains: (ip) => isIP(ip) === version && list.check(ip, family) };
}

/** The netmask as bosh writes it: 255.255.255.0, or eight groups of four hexadecimal digits. */
export function netmaskOf({ family, prefixLength }: Cidr): string {
  return family === 'ipv4'
    ? groups(4, 8, prefixLength).join('.')
    : groups(8, 16, prefixLength)
        .map((group) => group.toString(16).padStart(4, '0'))
        .join(':');
}

/** The mask in `count` groups of `bits` bits. */
function groups(count: number, bits: number, prefixLength: number): number[] {
  return Array.from({ length: count }, (_, at) => {
    const ones = Math.min(bits, Math.max(0, prefixLength - at * bits));
    return 2 ** bits - 2 ** (bits - ones);
  });
}
