/** How a cloud-config spreads availability zones over hosts; pure. */
import { firstHost } from './plan-host.ts';

type Entry = Readonly<Record<string, unknown>>;
/** A cloud-config, read; what is not said here is passed on as it is. */
export interface CloudConfig {
  readonly azs?: readonly Entry[] | null;
  readonly networks?: readonly Entry[] | null;
  readonly [key: string]: unknown;
}

/** Where the zones of a director's VMs are to be. */
export interface Spread {
  /** The hosts' names, the environment's own first. */
  readonly hosts: readonly string[];
  /** Zones in which VMs are: their disks cannot follow to another host, so they stay on theirs. */
  readonly occupied: ReadonlySet<string>;
}

/**
 * The same cloud-config with each zone on a host. A zone that names one stays there, and so does an occupied one; others go to
 * whichever host has the fewest. A host that has none then takes one, not occupied, from a host with several, or gets a new zone,
 * which all networks take in that have all other zones. Spread again, nothing changes.
 */
export function spreadZones(config: CloudConfig, { hosts, occupied }: Spread): CloudConfig {
  const zones = config.azs ?? [];
  const placed: Entry[] = zones.map((zone) => {
    const stays = hosts.includes(hostOf(zone)) && (zone.cpi !== undefined || occupied.has(nameOf(zone)));
    return { ...zone, cpi: stays ? hostOf(zone) : undefined };
  });
  const zonesOn = (host: string) => placed.filter(({ cpi }) => cpi === host);
  const byLoad = () => [...hosts].sort((a, b) => zonesOn(a).length - zonesOn(b).length);
  for (const [at, zone] of placed.entries())
    if (zone.cpi === undefined) placed[at] = { ...zone, cpi: byLoad()[0] };
  const added: string[] = [];
  for (const host of hosts.filter((each) => zonesOn(each).length === 0)) {
    const donor = byLoad().at(-1) ?? '';
    const spare = zonesOn(donor).findLast((zone) => !occupied.has(nameOf(zone)));
    if (spare !== undefined && zonesOn(donor).length > 1)
      placed[placed.indexOf(spare)] = { ...spare, cpi: host };
    else {
      const name = freeName(placed.map(nameOf));
      placed.push({ name, cpi: host });
      added.push(name);
    }
  }
  return { ...config, azs: placed, ...widenedNetworks(config, zones.map(nameOf), added) };
}

function widenedNetworks(
  { networks }: CloudConfig,
  zones: readonly string[],
  added: readonly string[],
): Pick<CloudConfig, 'networks'> {
  return networks ? { networks: networks.map((network) => widened(network, zones, added)) } : {};
}

const nameOf = (zone: Entry): string => String(zone.name);
/** A zone that says nothing is where the director's VMs have been until now. */
const hostOf = ({ cpi }: Entry): string => (typeof cpi === 'string' && cpi !== '' ? cpi : firstHost);

function freeName(taken: readonly string[]): string {
  for (let at = 1; ; at += 1) if (!taken.includes(`z${at}`)) return `z${at}`;
}

/** Hosts share one network: a subnet that is there for all zones is there for a new one too. */
function widened(network: Entry, zones: readonly string[], added: readonly string[]): Entry {
  const { subnets } = network;
  if (!Array.isArray(subnets) || added.length === 0) return network;
  const isForAll = (azs: unknown): azs is string[] =>
    Array.isArray(azs) && zones.every((zone) => azs.includes(zone));
  return {
    ...network,
    subnets: (subnets as Entry[]).map((subnet) =>
      isForAll(subnet.azs) ? { ...subnet, azs: [...subnet.azs, ...added] } : subnet,
    ),
  };
}

/**
 * The director's cpi-config: an entry for each host, all of the job boshvirt_cpi's, which hands their properties over with each
 * request. What was made before there was one, under no name, is the first host's.
 */
export const cpiConfigOf = (hosts: readonly string[]) => ({
  cpis: [
    { name: firstHost, type: 'boshvirt', migrated_from: [{ name: '' }], properties: {} },
    ...hosts.map((name) => ({ name, type: 'boshvirt', properties: { boshvirt_host: name } })),
  ],
});
