import { layTunnelEnd, reachesNeighbour, removeTunnelEnd, tunnelEndStands } from '../../host/tunnel/index.ts';
import { messageOf, UserError } from '../../platform/errors.ts';
import { askServerAt } from '../cpi-server/ask.ts';
import type { EnvironmentRecord } from '../record.ts';
import type { Caller } from '../steps/step.ts';
import { farEnd, nearEnd, nearPlaces } from './ends.ts';
import { type HostRecord, readHosts, type ServedHost, type SshHost } from './hosts-record.ts';
import { openHost } from './open-host.ts';

type Worker = Pick<Caller, 'log' | 'signal'>;

/** Makes and starts what the environment has on a host: storage, a bridge, its VMs after a reboot. Idempotent. */
export async function layHostGround(host: SshHost, { log }: Worker): Promise<void> {
  await using backend = await openHost(host, log);
  await backend.ground.prepareJoined({ poolPath: host.pool.path, bridge: host.network.bridge });
  for (const { advice } of await backend.ground.revive()) if (advice !== undefined) log.warn(advice);
}

/**
 * Makes the environment's network longer onto a host, or finds it so. Idempotent. Throws TEMPORARY if nothing comes through
 * the tunnel, PERMISSION without root at either end.
 */
export async function joinNetworks(
  record: EnvironmentRecord,
  host: HostRecord,
  { signal }: Worker,
): Promise<void> {
  const near = await nearPlaces(record);
  if (host.kind === 'ssh') await layTunnelEnd(await farEnd(host));
  await layTunnelEnd(nearEnd(record, host, near));
  const place = { prefix: near.bridges.prefix, netnsPath: near.netnsPath };
  if (await reachesNeighbour(place, record.network.bridge, host.tunnel.probe.far, signal)) return;
  const { near: here, far: there, port } = host.tunnel;
  throw new UserError(
    'TEMPORARY',
    `Nothing comes through the tunnel to host '${host.name}': ${here} and ${there}, UDP port ${port}`,
    {
      hints: [
        `let UDP port ${port} through the firewalls of both machines and between them`,
        'behind NAT, give both machines addresses in a VPN (WireGuard, say) and name the host’s: --address',
        `then run the same command again, or: boshvirt host add ${host.name} --env ${record.name}`,
      ],
    },
  );
}

/** Lays the end that is here alone. Idempotent. */
export async function layNearEnd(record: EnvironmentRecord, host: HostRecord): Promise<void> {
  await layTunnelEnd(nearEnd(record, host, await nearPlaces(record)));
}

/** What keeps a host's own CPI server from answering us; undefined if it does answer. */
export async function faultOfServer(
  record: EnvironmentRecord,
  { served, tunnel }: ServedHost,
  { signal }: Worker,
): Promise<string | undefined> {
  const { ca, certificate, private_key: privateKey } = served;
  try {
    await askServerAt(record, tunnel.probe.far, { ca, certificate, privateKey }, signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

/** Takes the end away that is there. Idempotent. */
export async function partFarEnd(host: SshHost): Promise<void> {
  await removeTunnelEnd(await farEnd(host));
}

/** Takes the end away that is here. Idempotent. */
export async function partNearEnd(record: EnvironmentRecord, host: HostRecord): Promise<void> {
  await removeTunnelEnd(nearEnd(record, host, await nearPlaces(record)));
}

/** What came of bringing a host back. */
export interface Joining {
  readonly name: string;
  /** undefined: it is joined. */
  readonly fault: string | undefined;
}

/**
 * Brings everything back that the environment has on its other hosts and between them, after a reboot of any of them. One that cannot
 * be brought back keeps nobody else from it.
 */
export async function joinHosts(record: EnvironmentRecord, caller: Worker): Promise<Joining[]> {
  const joinings: Joining[] = [];
  for (const host of (await readHosts(record.name)).hosts) {
    const { name, phase } = host;
    if (phase === 'joined') joinings.push({ name, fault: await faultOfJoining(record, host, caller) });
    else
      joinings.push({
        name,
        fault: `boshvirt host ${phase === 'joining' ? 'add' : 'remove'} ${name} did not finish`,
      });
  }
  return joinings;
}

async function faultOfJoining(
  record: EnvironmentRecord,
  host: HostRecord,
  caller: Worker,
): Promise<string | undefined> {
  try {
    if (host.kind === 'ssh') await layHostGround(host, caller);
    await joinNetworks(record, host, caller);
    return host.kind === 'served' ? await faultOfServer(record, host, caller) : undefined;
  } catch (error) {
    caller.signal.throwIfAborted();
    return messageOf(error);
  }
}

/** Whether this end of the tunnels to all joined hosts is there; the other ends are not asked. */
export async function tunnelsStand(record: EnvironmentRecord): Promise<boolean> {
  const joined = (await readHosts(record.name)).hosts.filter(({ phase }) => phase === 'joined');
  if (joined.length === 0) return true;
  const near = await nearPlaces(record);
  const standing = await Promise.all(joined.map((host) => tunnelEndStands(nearEnd(record, host, near))));
  return standing.every(Boolean);
}
