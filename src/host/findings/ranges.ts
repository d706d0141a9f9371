import { run } from '../../platform/process.ts';

interface Range {
  readonly first: number;
  readonly last: number;
}

/** What on this machine an IPv4 range overlaps with, in words, or undefined. Routes over `ownBridge` do not count. */
export async function inspectHostRange(cidr: string, ownBridge: string): Promise<string | undefined> {
  const wanted = rangeOf(cidr);
  const clash = (await hostRoutes()).find(
    ({ device, range }) => device !== ownBridge && overlap(range, wanted),
  );
  return clash && `the route ${clash.destination} (${clash.device})`;
}

/** The first of 192.168.150.0/24 … 192.168.249.0/24 that neither a route of this machine nor one of `taken` touches. */
export async function pickFreeRange(taken: readonly string[]): Promise<string> {
  const used = [...(await hostRoutes()).map(({ range }) => range), ...taken.map(rangeOf)];
  for (let third = 150; third < 250; third += 1) {
    const cidr = `192.168.${third}.0/24`;
    if (!used.some((range) => overlap(range, rangeOf(cidr)))) return cidr;
  }
  return '10.222.222.0/24';
}

/** Whether two IPv4 ranges have an address in common. */
export const rangesOverlap = (a: string, b: string): boolean => overlap(rangeOf(a), rangeOf(b));

/** The machine's routes to networks; the default route touches none in particular. */
async function hostRoutes(): Promise<{ destination: string; device: string; range: Range }[]> {
  const { stdout } = await run(['ip', '-json', '-4', 'route', 'show', 'table', 'all'], { timeoutMs: 10_000 });
  const routes = JSON.parse(stdout || '[]') as { dst: string; dev?: string; type?: string }[];
  return routes
    .filter(({ dst, type }) => dst !== 'default' && (type === undefined || type === 'unicast'))
    .map(({ dst, dev }) => ({ destination: dst, device: dev ?? 'no device', range: rangeOf(dst) }));
}

function rangeOf(cidr: string): Range {
  const [address = '', length = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(length));
  const base = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = base - (base % size);
  return { first, last: first + size - 1 };
}

const overlap = (a: Range, b: Range): boolean => a.first <= b.last && b.first <= a.last;
