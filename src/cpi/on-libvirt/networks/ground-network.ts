/** The environment's own network: made, brought to what a plan says, and mended. */
import { readLinks, readRoutes } from '../../../clients/iproute/index.ts';
import { type Network, parseXml } from '../../../clients/libvirt/index.ts';
import { fillTemplate } from '../../../platform/template.ts';
import type { GroundPlan, Revival } from '../../backend.ts';
import { CloudError } from '../../errors.ts';
import { cloudErrorFrom } from '../errors.ts';
import type { LibvirtHost } from '../libvirt-host.ts';
import { hostPrefix, obstacleToChanging, obstacleToLooking, runOnHost } from './on-host.ts';
import { describeRoute, type NetworkRoute, sameWays, waysIn, waysOf, withWays } from './ways.ts';

/**
 * Makes the network and starts it, or brings the one that is there to what the plan says; its guests stay plugged in. Gives in words
 * what was done to one that was there, or could not be. Throws a CloudError for somebody else's network of that name.
 */
export async function prepareNetwork(host: LibvirtHost, plan: GroundPlan): Promise<string[]> {
  const { libvirt, config } = host;
  const { bridge, gateway, prefixLength, domain } = plan;
  const name = config.network;
  const ways = waysOf(plan);
  const notes: string[] = [];
  try {
    let network = await libvirt.findNetwork(name);
    if (network) {
      refuseOtherAddress(name, await network.xml(), gateway);
      notes.push(...(await bringTo(host, network, plan)));
    } else {
      const holes = { name, environment: config.environment, bridge, domain, gateway, prefixLength };
      network = await libvirt.defineNetwork(withWays(fillTemplate('libvirt/network.xml', holes), ways));
    }
    await network.setAutostart(true);
    const { advice } = await reviveNetwork(host, network);
    return advice === undefined ? notes : [...notes, advice];
  } catch (error) {
    throw cloudErrorFrom(error, `Making network ${name} (${gateway}/${prefixLength}, bridge ${bridge})`);
  }
}

function refuseOtherAddress(name: string, xml: string, gateway: string): void {
  const there = parseXml(xml).at('network', 'ip')?.attribute('address');
  if (there === gateway) return;
  throw new CloudError('CloudError', `Network '${name}' has the address ${there}, not ${gateway}`, {
    hints: [`virsh net-dumpxml ${name} shows it; if it is somebody else's, choose another name for yours`],
  });
}

/** Redefines a network whose routes or names are not the plan's; its dnsmasq reads names only at a start. */
async function bringTo(host: LibvirtHost, network: Network, plan: GroundPlan): Promise<string[]> {
  const notes: string[] = [];
  const wanted = waysOf(plan);
  const defined = await network.xml({ inactive: true });
  if (!sameWays(waysIn(defined), wanted)) {
    await host.libvirt.defineNetwork(withWays(defined, wanted));
    await removeRoutes(host, waysIn(defined).routes, wanted.routes);
    notes.push(`network ${network.name} was defined anew: its routes or names have changed`);
  }
  if (!(await network.isActive())) return notes;
  const { options } = waysIn(await network.xml());
  if (options.join() === wanted.options.join()) return notes;
  return [...notes, await restart(host, network, plan.bridge)];
}

/** Takes away the host's routes to what lies behind no guest any more. */
async function removeRoutes(
  { config }: LibvirtHost,
  there: readonly NetworkRoute[],
  wanted: readonly NetworkRoute[],
): Promise<void> {
  const kept = wanted.map(printed);
  const stale = there.map(printed).filter((route) => !kept.includes(route));
  if (stale.length === 0 || obstacleToChanging(config)) return; // they go with the network's next stop
  for (const { destination, gateway } of await readRoutes(hostPrefix(config))) {
    const route = `${destination} via ${gateway}`;
    if (stale.includes(route)) await runOnHost(config, ['ip', 'route', 'del', ...route.split(' ')]);
  }
}

/** Stops and starts it. Guests go on: their taps are plugged into the new bridge of the same name and MAC. */
async function restart(host: LibvirtHost, network: Network, bridge: string): Promise<string> {
  const { config } = host;
  const obstacle = obstacleToChanging(config);
  const plugged = obstacleToLooking(config) ? undefined : await pluggedInto(host, bridge);
  if (obstacle && plugged?.length !== 0) {
    const cut = 'which would cut its guests off';
    return `network ${network.name} answers its new names only after its next start, ${cut}: ${obstacle.why}`;
  }
  await network.destroy();
  await network.start();
  for (const device of plugged ?? [])
    await runOnHost(config, ['ip', 'link', 'set', 'dev', device, 'master', bridge]);
  const guests = plugged?.length === 1 ? 'its guest stays' : `its ${plugged?.length} guests stay`;
  return `network ${network.name} was started again for its new names; ${guests}`;
}

async function pluggedInto({ config }: LibvirtHost, bridge: string): Promise<string[]> {
  const links = await readLinks(hostPrefix(config));
  return links.filter(({ master }) => master === bridge).map(({ name }) => name);
}

/**
 * Starts a network and gives the host what belongs to one that runs: its routes, which libvirt adds at a start alone and nobody
 * brings back, and its guests' taps, which a stop has unplugged.
 */
export async function reviveNetwork(host: LibvirtHost, network: Network): Promise<Revival> {
  const wasActive = await network.isActive();
  if (!wasActive) await startNetwork(network);
  const bridge = await network.bridgeName();
  const [routes, taps] = [await missingRoutes(host, network, bridge), await looseTaps(host, network, bridge)];
  const lacks = [
    ...routes.map((route) => `without its route ${route}`),
    ...taps.map((tap) => `with ${tap} unplugged`),
  ];
  const advice =
    lacks.length === 0 ? undefined : await mend(host, { network: network.name, bridge, routes, taps });
  const mended = lacks.length > 0 && advice === undefined;
  const found = [wasActive ? 'running' : 'stopped', ...lacks].join(', ');
  const done = [...(wasActive ? [] : ['started']), ...(mended ? ['brought back what it lacked'] : [])].join(
    ', ',
  );
  const facts = { part: 'network', name: network.name, found, done: done || undefined } as const;
  return advice === undefined ? facts : { ...facts, advice };
}

async function startNetwork(network: Network): Promise<void> {
  try {
    await network.start();
  } catch (error) {
    throw cloudErrorFrom(error, `Starting network ${network.name}`);
  }
}

interface Lacks {
  readonly network: string;
  readonly bridge: string;
  readonly routes: readonly string[];
  /** Host ends of guests' interfaces. */
  readonly taps: readonly string[];
}

/** Gives what somebody else is to do where this process may not. */
async function mend(
  { config }: LibvirtHost,
  { network, bridge, routes, taps }: Lacks,
): Promise<string | undefined> {
  const commands = [
    ...taps.map((tap) => ['ip', 'link', 'set', 'dev', tap, 'master', bridge] as const),
    ...routes.map(
      (route) => ['ip', 'route', 'replace', ...route.split(' '), 'dev', bridge, 'metric', '1'] as const,
    ),
  ];
  const obstacle = obstacleToChanging(config);
  if (obstacle) {
    const lines = commands.map((command) => `sudo ${command.join(' ')}`).join('; ');
    return `ways to guests of network ${network} are missing, and ${obstacle.why}: ${lines}`;
  }
  for (const command of commands) await runOnHost(config, command);
  return undefined;
}

/** The network's routes that the host lacks. Who cannot look believes that they are there. */
async function missingRoutes({ config }: LibvirtHost, network: Network, bridge: string): Promise<string[]> {
  const { routes } = waysIn(await network.xml({ inactive: true }));
  if (routes.length === 0 || obstacleToLooking(config)) return [];
  const there = await readRoutes(hostPrefix(config));
  const own = there.filter(({ device }) => device === bridge);
  const words = own.map(({ destination, gateway }) => `${destination} via ${gateway}`);
  return routes.map(printed).filter((route) => !words.includes(route));
}

/** As ip(8) prints it: a route to one address without a length. */
const printed = (route: NetworkRoute): string => describeRoute(route).replace('/32 ', ' ');

/** Host ends of guests' interfaces on this network that are plugged in nowhere. */
async function looseTaps(
  { config, libvirt }: LibvirtHost,
  network: Network,
  bridge: string,
): Promise<string[]> {
  if (obstacleToLooking(config)) return [];
  const loose = (await readLinks(hostPrefix(config))).filter(({ master }) => master === undefined);
  if (loose.length === 0) return [];
  const active = [];
  for (const domain of await libvirt.listDomains()) if (await domain.isActive()) active.push(domain);
  const taps = (await Promise.all(active.map((domain) => domain.xml()))).flatMap((xml) =>
    tapsIn(xml, network.name),
  );
  return loose.map(({ name }) => name).filter((name) => name !== bridge && taps.includes(name));
}

function tapsIn(domainXml: string, network: string): string[] {
  const interfaces = parseXml(domainXml).at('domain', 'devices')?.children('interface') ?? [];
  return interfaces
    .filter((each) => each.child('source')?.attribute('network') === network)
    .flatMap((each) => each.child('target')?.attribute('dev') ?? []);
}

/** Whether the host has all routes of the network; true where nobody can look. */
export async function waysStand(host: LibvirtHost, network: Network | undefined): Promise<boolean> {
  return (
    network === undefined || (await missingRoutes(host, network, await network.bridgeName())).length === 0
  );
}
