/** IP addresses and ranges as numbers: which belongs to which, and which are the same however they are written. */
import { isIPv4, isIPv6 } from 'node:net';

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

export interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly prefixLength: number;
}

const bitsOf = { 4: 32, 6: 128 } as const;

/** undefined for text that is no address. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: number(text.split('.'), 10, 8n) };
  if (isIPv6(text) && !text.includes('%')) return { family: 6, value: number(groupsOf(text), 16, 16n) };
  return undefined;
}

const number = (parts: readonly string[], base: 10 | 16, bits: bigint): bigint =>
  parts.reduce((sum, part) => (sum << bits) + BigInt(Number.parseInt(part, base)), 0n);

/** The eight groups of an IPv6 address; a URL's host is in the one canonical form, without an IPv4 tail. */
function groupsOf(text: string): string[] {
  const [head = '', tail] = canonicalV6(text).split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const [before, after] = [groups(head), groups(tail)];
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}

const canonicalV6 = (text: string): string => new URL(`http://[${text}]`).hostname.slice(1, -1);

export function formatAddress({ family, value }: Address): string {
  const part = (at: number, bits: number) => Number((value >> BigInt(at)) & ((1n << BigInt(bits)) - 1n));
  if (family === 4) return [24, 16, 8, 0].map((at) => part(at, 8)).join('.');
  return canonicalV6([112, 96, 80, 64, 48, 32, 16, 0].map((at) => part(at, 16).toString(16)).join(':'));
}

/** An address in the one form that can be compared; what is no address stays as it is. */
export function canonicalAddress(text: string): string {
  const address = parseAddress(text);
  return address ? formatAddress(address) : text;
}

/** Reads CIDR, `10.0.0.0/24`. undefined for what is none, also for an address with bits behind the prefix. */
export function parseRange(text: string): Range | undefined {
  const [address = '', length = ''] = text.split('/');
  const parsed = parseAddress(address);
  if (!parsed || !/^\d+$/.test(length) || Number(length) > bitsOf[parsed.family]) return undefined;
  const range = rangeAround(parsed, Number(length));
  return range.first === parsed.value ? range : undefined;
}

/** The range of this size that an address lies in. */
export function rangeAround({ family, value }: Address, prefixLength: number): Range {
  return { family, first: value - (value % sizeOf({ family, prefixLength })), prefixLength };
}

/** How many addresses it has. */
export const sizeOf = ({ family, prefixLength }: Pick<Range, 'family' | 'prefixLength'>): bigint =>
  1n << BigInt(bitsOf[family] - prefixLength);

export const lastOf = (range: Range): bigint => range.first + sizeOf(range) - 1n;

export const contains = (range: Range, { family, value }: Address): boolean =>
  range.family === family && value >= range.first && value <= lastOf(range);

export const overlap = (a: Range, b: Range): boolean =>
  a.family === b.family && a.first <= lastOf(b) && b.first <= lastOf(a);

export const formatRange = ({ family, first, prefixLength }: Range): string =>
  `${formatAddress({ family, value: first })}/${prefixLength}`;

/** `255.255.255.0`, `ffff:ffff:ffff:ffff::`. */
export const netmaskOf = (range: Range): string =>
  formatAddress({ family: range.family, value: (1n << BigInt(bitsOf[range.family])) - sizeOf(range) });

/** What a netmask says, in bits; undefined for what is none. */
export function prefixLengthOf(netmask: string): number | undefined {
  const mask = parseAddress(netmask);
  if (!mask) return undefined;
  const bits = mask.value.toString(2).padStart(bitsOf[mask.family], '0');
  return /^1*0*$/.test(bits) ? bits.replace(/0*$/, '').length : undefined;
}

/** Whether an address of the range is one that a machine can have: the first, and with IPv4 the last, mean the network itself. */
export function isForMachines(range: Range, address: Address): boolean {
  if (!contains(range, address)) return false;
  if (sizeOf(range) <= 2n) return true; // point to point (RFC 3021, RFC 6164)
  return address.value !== range.first && (range.family === 6 || address.value !== lastOf(range));
}
