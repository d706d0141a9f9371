/** An IPv4 range as numbers: its first address and how many it has. */
export interface Range {
  readonly first: number;
  readonly size: number;
}

/** Reads `a.b.c.d/len`, which somebody has checked. */
export function rangeOf(cidr: string): Range {
  const [address = '', length] = cidr.split('/');
  return { first: toNumber(address), size: 2 ** (32 - Number(length)) };
}

export const cidrOf = ({ first, size }: Range): string => `${toAddress(first)}/${32 - Math.log2(size)}`;

/** The ends of a span, with offsets from the range's first address, as bosh reads it. */
export const spanOf = ({ first }: Range, from: number, to: number): string =>
  `${toAddress(first + from)} - ${toAddress(first + to)}`;

export const offsetOf = ({ first }: Range, address: string): number => toNumber(address) - first;

export const toNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

export const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
