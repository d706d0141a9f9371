/** What ip(8), of iproute2, says of a machine's network, or of a network namespace's. */
import { ask } from './ask.ts';

export { departureTo, readUplink } from './towards.ts';

export { forgetNeighbour, knowsNeighbour, readVxlan, runBatch, sourceTowards } from './vxlan.ts';

/** Where packets to some addresses go. */
export interface Route {
  /** `10.20.0.0/16`, `192.0.2.1`; never `default`. */
  readonly destination: string;
  /** The interface, of several hops the first; for routes without one what becomes of the packets: `blackhole`. */
  readonly device: string;
  readonly gateway: string | undefined;
}

/** An IPv4 address of the machine's own, whether its interface is up or not. */
export interface OwnAddress {
  /** `10.20.0.7/16`. */
  readonly address: string;
  readonly device: string;
}

/** A network interface. */
export interface Link {
  readonly name: string;
  /** The bridge that it is plugged into. */
  readonly master: string | undefined;
  readonly isUp: boolean;
}

/** As `ip -json route` prints a route. */
interface PrintedRoute {
  readonly dst: string;
  readonly type?: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly nexthops?: readonly { readonly dev?: string; readonly gateway?: string }[];
}

interface PrintedLink {
  readonly ifname: string;
  readonly master?: string;
  readonly flags?: readonly string[];
}

interface PrintedAddresses {
  readonly ifname: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

/** Kinds of routes that are no sign of a network. */
const marginal = ['broadcast', 'multicast', 'anycast'];

/**
 * IPv4 routes of all tables to networks and to the machine's own addresses, without default routes; also to what the machine
 * refuses to reach, since someone said so. `prefix`: what the program is started with, `nsenter --net=PATH` say.
 */
export async function readRoutes(prefix: readonly string[] = []): Promise<Route[]> {
  const printed = await ask<PrintedRoute>(prefix, ['-4', 'route', 'show', 'table', 'all']);
  return printed
    .filter(({ dst, type = 'unicast' }) => dst !== 'default' && !marginal.includes(type))
    .map(({ dst, type, dev, gateway, nexthops }) => ({
      destination: dst,
      device: dev ?? nexthops?.[0]?.dev ?? type ?? 'no device',
      gateway: gateway ?? nexthops?.[0]?.gateway,
    }));
}

export async function readAddresses(prefix: readonly string[] = []): Promise<OwnAddress[]> {
  const printed = await ask<PrintedAddresses>(prefix, ['-4', 'address', 'show']);
  return printed.flatMap(({ ifname, addr_info: addresses = [] }) =>
    addresses.flatMap(({ local, prefixlen }) =>
      local === undefined ? [] : [{ address: `${local}/${prefixlen ?? 32}`, device: ifname }],
    ),
  );
}

export async function readLinks(prefix: readonly string[] = []): Promise<Link[]> {
  const printed = await ask<PrintedLink>(prefix, ['link', 'show']);
  return printed.map(({ ifname, master, flags = [] }) => ({
    name: ifname,
    master,
    isUp: flags.includes('UP'),
  }));
}
