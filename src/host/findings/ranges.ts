import { readAddresses, readRoutes } from '../../clients/iproute/index.ts';
import { UserError } from '../../platform/errors.ts';

interface Range {
  readonly first: number;
  readonly last: number;
}

/** What on this machine an IPv4 range overlaps with, in words, or undefined. Routes over `ownBridge` do not count. */
export async function inspectHostRange(cidr: string, ownBridge: string): Promise<string | undefined> {
  const wanted = rangeOf(cidr);
  const clash = (await hostRanges()).find(
    ({ device, range }) => device !== ownBridge && overlap(range, wanted),
  );
  return clash && `${clash.what} (${clash.device})`;
}

/** The first of 192.168.150.0/24 … 192.168.249.0/24 that neither a route of this machine nor one of `taken` touches. */
export async function findFreeRange(taken: readonly string[]): Promise<string | undefined> {
  const used = [...(await hostRanges()).map(({ range }) => range), ...taken.map(rangeOf)];
  const candidates = Array.from({ length: 100 }, (_, at) => `192.168.${150 + at}.0/24`);
  return candidates.find((cidr) => !used.some((range) => overlap(range, rangeOf(cidr))));
}

/** The same; throws a UserError ADDRESS_CONFLICT if none is left. */
export async function pickFreeRange(taken: readonly string[]): Promise<string> {
  const free = await findFreeRange(taken);
  if (free !== undefined) return free;
  throw new UserError(
    'ADDRESS_CONFLICT',
    'Routes of this machine cover all ranges that boshvirt would choose from',
    {
      hints: ['name a range that nothing else uses: --network CIDR', 'ip route show table all'],
    },
  );
}

/** Whether two IPv4 ranges have an address in common. */
export const rangesOverlap = (a: string, b: string): boolean => overlap(rangeOf(a), rangeOf(b));

interface HostRange {
  /** In words. */
  readonly what: string;
  readonly device: string;
  readonly range: Range;
}

/** Half of all addresses, or a quarter: a VPN's way of saying `default`, which touches no network in particular. */
const almostAll = 2 ** 30;

/** What this machine's routes and its own addresses say is in use; an interface that is down has no routes. */
async function hostRanges(): Promise<HostRange[]> {
  const [routes, addresses] = await Promise.all([readRoutes(), readAddresses()]);
  return [
    ...routes.map(({ destination, device }) => ({
      what: `the route ${destination}`,
      device,
      cidr: destination,
    })),
    ...addresses.map(({ address, device }) => ({ what: `the address ${address}`, device, cidr: address })),
  ]
    .map(({ what, device, cidr }) => ({ what, device, range: rangeOf(cidr) }))
    .filter(({ range }) => range.last - range.first + 1 < almostAll);
}

function rangeOf(cidr: string): Range {
  const [address = '', length = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(length));
  const base = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = base - (base % size);
  return { first, last: first + size - 1 };
}

const overlap = (a: Range, b: Range): boolean => a.first <= b.last && b.first <= a.last;
