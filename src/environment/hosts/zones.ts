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
 * The same cloud-config with each zone on a host: occupied ones stay, the others go to whichever host has the fewest, and a host that
 * gets none has a new zone, which all networks take in that have all other zones. Without a change what comes back equals
 * what went in.
 */
export function spreadZones(config: CloudConfig, { hosts, occupied }: Spread): CloudConfig {
  const zones = config.azs ?? [];
  const counts = new Map(hosts.map((host) => [host, 0]));
  const put = (host: string) => counts.set(host, (counts.get(host) ?? 0) + 1);
  const stays = (zone: Entry) => occupied.has(nameOf(zone)) && hosts.includes(hostOf(zone));
  for (const zone of zones.filter(stays)) put(hostOf(zone));
  const fewest = () => hosts.reduce((a, b) => ((counts.get(b) ?? 0) < (counts.get(a) ?? 0) ? b : a));
  const placed = zones.map((zone) => {
    if (stays(zone)) return { ...zone, cpi: hostOf(zone) };
    const host = fewest();
    put(host);
    return { ...zone, cpi: host };
  });
  const names = zones.map(nameOf);
  const added: Entry[] = [];
  for (const host of hosts.filter((each) => counts.get(each) === 0)) {
    const name = freeName([...names, ...added.map(nameOf)]);
    added.push({ name, cpi: host });
  }
  return {
    ...config,
    azs: [...placed, ...added],
    ...(config.networks
      ? { networks: config.networks.map((network) => widened(network, names, added.map(nameOf))) }
      : {}),
  };
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
