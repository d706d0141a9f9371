/** Who has a range already. libvirt itself finds the very same range alone, and no route that overlaps (libvirt-spikes.md 1, 3). */
import { readAddresses, readRoutes } from '../../../clients/iproute/index.ts';
import type { GroundPlan } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { formatRange, overlap, parseAddress, type Range, rangeAround, sizeOf } from './addresses.ts';
import { allNetworks } from './look-up.ts';
import { hostPrefix, obstacleToLooking } from './on-host.ts';
import { waysIn, waysOf } from './ways.ts';

/** A range that is in use, and by whom, in words. */
interface RangeInUse {
  readonly range: Range;
  readonly owner: string;
}

/** The ranges of libvirt's networks but one, also of those that are stopped, and what their routes lead to. */
export async function rangesOfNetworks(
  { libvirt }: LibvirtHost,
  except?: string,
): Promise<(RangeInUse & { readonly network: string })[]> {
  const networks = (await allNetworks(libvirt)).filter(({ name }) => name !== except);
  return networks.flatMap(({ name, ranges, routes }) => [
    ...ranges.map(({ range }) => ({ range, network: name, owner: `libvirt’s network '${name}'` })),
    ...routes.map(({ range, via }) => ({
      range,
      network: name,
      owner: `libvirt’s network '${name}', which leads it to ${via}`,
    })),
  ]);
}

/** Half of all addresses, or a quarter: a VPN's way of saying `default`. */
const almostAll = 2n ** 30n;

/** What the machine's own routes and addresses have, those over `bridge` apart; nothing where nobody can look. */
async function rangesOfMachine({ config }: LibvirtHost, bridge: string): Promise<RangeInUse[]> {
  if (obstacleToLooking(config)) return [];
  const prefix = hostPrefix(config);
  const [routes, addresses] = await Promise.all([readRoutes(prefix), readAddresses(prefix)]);
  const seen = [
    ...addresses.map(({ address, device }) => ({ cidr: address, device, what: 'address' })),
    ...routes.map(({ destination, device }) => ({ cidr: destination, device, what: 'route' })),
  ];
  return seen
    .filter(({ device }) => device !== bridge)
    .map(({ cidr, device, what }) => ({
      range: around(cidr),
      owner: `the machine’s ${what} ${cidr} (${device})`,
    }))
    .filter(({ range }) => sizeOf(range) < almostAll);
}

/** The range around `10.20.0.7/16`. */
function around(cidr: string): Range {
  const [text = '', length = '32'] = cidr.split('/');
  const address = parseAddress(text);
  if (!address) throw new TypeError(`ip(8) printed '${cidr}'`);
  return rangeAround(address, Number(length));
}

/**
 * Throws ADDRESS_CONFLICT, naming who has it, for a range of the plan's that something else uses: its network's, and those that
 * its routes lead to. What the network has already is not asked for again.
 */
export async function refuseClashes(host: LibvirtHost, plan: GroundPlan): Promise<void> {
  const network = around(`${plan.gateway}/${plan.prefixLength}`);
  const there = await host.libvirt.findNetwork(host.config.network);
  const had = there
    ? waysIn(await there.xml({ inactive: true })).routes.map(({ range }) => formatRange(range))
    : [];
  const routes = waysOf(plan).routes.map(({ range }) => range);
  const wanted = [
    ...(there ? [] : [network]),
    ...routes.filter((range) => !had.includes(formatRange(range))),
  ];
  if (wanted.length === 0) return;
  const taken = [
    ...(await rangesOfNetworks(host, host.config.network)),
    ...(await rangesOfMachine(host, plan.bridge)),
  ];
  for (const range of wanted) {
    const others =
      range === network ? taken : [...taken, { range: network, owner: 'the environment’s own network' }];
    const clash = others.find((other) => overlap(other.range, range));
    const flag = range === network ? '--network' : '--workload-cidr';
    if (clash) throw conflict(range, clash, `boshvirt down ${host.config.environment}, then up with ${flag}`);
  }
}

function conflict(range: Range, { range: other, owner }: RangeInUse, anew: string): CloudError {
  return new CloudError(
    'CloudError',
    `The range ${formatRange(range)} clashes with ${formatRange(other)} of ${owner}`,
    {
      code: 'ADDRESS_CONFLICT',
      hints: [`take that away, or make the environment anew with another range: ${anew} CIDR`],
    },
  );
}
