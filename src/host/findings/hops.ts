/** Looks at the way from this machine to an environment's guests, one hop after the other. */
import { lookup } from 'node:dns/promises';
import { departureTo, readLinks, readRoutes, readUplink } from '../../clients/iproute/index.ts';
import { messageOf } from '../../platform/errors.ts';
import { type Check, ok, type Verdict, warn } from '../../platform/finding.ts';
import { run } from '../../platform/process.ts';
import { isRoot } from './checks/privileges.ts';
import { firewallVerdict, readFirewall } from './firewall/index.ts';
import { findResolver, type NetworkDomain, resolverCommand } from './resolver.ts';

/** An environment's network, as this machine sees it. */
export interface GuestWay {
  readonly environment: string;
  /** What a program is started with to run where the bridge is; empty for this machine's own network. */
  readonly prefix: readonly string[];
  readonly bridge: string;
  readonly gateway: string;
  /** The machine's address. */
  readonly machine: string;
  /** Ports of this machine's that guests ask. */
  readonly ports: readonly number[];
  /** What lies behind the machine. */
  readonly workload: Workload | undefined;
}

interface Workload {
  readonly cidr: string;
  readonly router: string;
  readonly domain: string;
}

/** Ids begin with `env.<environment>.`. Each look stands by itself: where several fail the first is the one to mend. */
export function hopChecks(way: GuestWay): Check[] {
  const check = (id: string, title: string, why: string, look: () => Promise<Verdict>): Check => ({
    id: `env.${way.environment}.${id}`,
    title,
    why,
    look,
  });
  const { workload } = way;
  return [
    check('bridge', 'bridge', 'guests are plugged into it', () => lookAtBridge(way)),
    check('forwarding', 'forwarding', 'without it guests reach this machine alone', () =>
      lookAtForwarding(way),
    ),
    check('firewall', 'firewall', 'what it drops is told nobody', () => lookAtFirewall(way)),
    ...(workload
      ? [
          check('route', 'route', `containers in ${workload.cidr} are behind the machine`, () =>
            lookAtRoute(way, workload),
          ),
          check('names', 'names', `all under ${workload.domain} leads to ${workload.router}`, () =>
            lookAtNames(way, workload),
          ),
          check('resolver', 'this machine’s names', 'cf, bosh and browsers ask by name', () =>
            lookAtResolver(way, workload),
          ),
        ]
      : []),
  ];
}

const recover = ({ environment }: GuestWay): string => `boshvirt recover ${environment}`;

async function lookAtBridge(way: GuestWay): Promise<Verdict> {
  const link = (await readLinks(way.prefix)).find(({ name }) => name === way.bridge);
  if (link?.isUp) return ok(`${way.bridge} is up`);
  return warn(link ? `${way.bridge} is down` : `there is no ${way.bridge}`, recover(way));
}

async function lookAtForwarding({ prefix }: GuestWay): Promise<Verdict> {
  if ((await output(prefix, 'cat', '/proc/sys/net/ipv4/ip_forward')) === '1')
    return ok('the kernel forwards');
  const sysctl = 'sysctl -w net.ipv4.ip_forward=1';
  return warn('the kernel forwards nothing', [...prefix, sysctl].join(' '));
}

async function lookAtFirewall({ prefix, bridge, gateway, machine, ports }: GuestWay): Promise<Verdict> {
  if (!isRoot()) return ok('not looked at without root');
  const network = { bridge, gateway, guest: machine, ports, uplink: await readUplink(prefix) };
  return firewallVerdict(await readFirewall(prefix), network, true);
}

async function lookAtRoute(way: GuestWay, { cidr, router }: Workload): Promise<Verdict> {
  const { prefix, bridge, machine } = way;
  const isOurs = (device: string, gateway: string | undefined) => device === bridge && gateway === machine;
  const [departure, routes] = [await departureTo(router, prefix), await readRoutes(prefix)];
  if (departure && isOurs(departure.device, departure.gateway))
    return ok(`${router} by ${machine} (${bridge})`);
  const stands = routes.some(
    ({ destination, device, gateway }) => destination === cidr && isOurs(device, gateway),
  );
  if (!stands) return warn(`the route ${cidr} by ${machine} is gone`, recover(way));
  return warn(
    `${router} leaves by ${departure?.device ?? 'nothing'}: another route is more specific`,
    `${[...prefix, 'ip', 'route', 'show', 'match', router].join(' ')} shows it; take it away`,
  );
}

/** What a program says in that network. */
async function output(prefix: readonly string[], ...words: readonly string[]): Promise<string> {
  const [program = '', ...rest] = [...prefix, ...words];
  return (await run([program, ...rest], { timeoutMs: 10_000 })).stdout.trim();
}

/** Asks the network's dnsmasq alone; in the network where it listens. */
const program = `const [server, name] = process.argv.slice(1);
const resolver = new (require('node:dns').promises.Resolver)({ timeout: 2000, tries: 1 });
resolver.setServers([server]);
resolver.resolve4(name).then((found) => console.log(found.join()), (error) => console.log(error.code));`;

async function lookAtNames(way: GuestWay, { domain, router }: Workload): Promise<Verdict> {
  const { gateway, prefix } = way;
  const answer = await output(prefix, process.execPath, '-e', program, gateway, `any.${domain}`);
  if (answer === router) return ok(`${gateway} answers them`);
  return warn(`${gateway}, asked for any.${domain}, says ${answer}`, `boshvirt up ${way.environment}`);
}

async function lookAtResolver(
  { environment, bridge, gateway, prefix }: GuestWay,
  { domain, router }: Workload,
): Promise<Verdict> {
  if (prefix.length > 0)
    return ok('the network is a private host’s: programs of this machine reach it by boshvirt exec');
  const found = await lookup(`api.${domain}`, 4).then(
    ({ address }) => address,
    (error: unknown) => messageOf(error),
  );
  if (found === router) return ok(`api.${domain} is ${router}`);
  const network: NetworkDomain = { environment, domain, gateway, bridge, address: router };
  return warn(`api.${domain}: ${found}`, resolverCommand(await findResolver(), network));
}
