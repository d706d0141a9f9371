import { readAddresses, readVxlan, runBatch } from '../../clients/iproute/index.ts';
import type { Machine } from '../machine.ts';

/** What both ends of a tunnel share, as one of them sees it. */
interface Tunnel {
  /** The interface at this end: at most 15 characters. */
  readonly device: string;
  readonly id: number;
  readonly port: number;
  /** This end's IPv4 address and the other one's, in the network that the packets take. */
  readonly local: string;
  readonly remote: string;
}

/** One end of a tunnel, and the bridge that it makes longer. */
export interface TunnelEnd {
  readonly tunnel: Tunnel;
  /** Where the addresses are. */
  readonly underlay: Machine;
  /** Where the bridge is, and what the namespace is called from `underlay`; the same machine without a name if that is one. */
  readonly place: Machine;
  readonly namespace?: string | undefined;
  readonly bridge: string;
  /** What the bridge itself is to have as address, with its length; it keeps all others. */
  readonly address: string;
}

/** As guests believe it to be; what is too large for the way between the machines is told to its sender (path MTU). */
const frameBytes = 1500;

/**
 * Makes this end, or finds it; one that is different is made anew. Its packets take the network of `underlay` for ever, wherever
 * the interface is put. Throws a ToolError with the words of ip(8).
 */
export async function layTunnelEnd(end: TunnelEnd): Promise<void> {
  const { tunnel, underlay, place, namespace, bridge, address } = end;
  if (!(await tunnelEndStands(end))) {
    const { device, id, local, remote, port } = tunnel;
    await removeTunnelEnd(end);
    await runBatch(underlay.prefix, [
      `link add ${device} type vxlan id ${id} local ${local} remote ${remote} dstport ${port}`,
      ...(namespace === undefined ? [] : [`link set ${device} netns ${namespace}`]),
    ]);
    await runBatch(place.prefix, [`link set ${device} mtu ${frameBytes} master ${bridge} up`]);
  }
  await runBatch(place.prefix, [`address replace ${address} dev ${bridge}`]);
}

/** Whether this end is as it is to be. */
export async function tunnelEndStands({ tunnel, place, bridge }: TunnelEnd): Promise<boolean> {
  const { device, id, local, remote, port } = tunnel;
  const there = await readVxlan(place.prefix, device);
  return (
    there?.isUp === true &&
    there.master === bridge &&
    [there.id, there.local, there.remote, there.port].join() === [id, local, remote, port].join()
  );
}

/** Takes this end away, also one that a killed run left half made. Idempotent. */
export async function removeTunnelEnd(end: TunnelEnd): Promise<void> {
  const { tunnel, underlay, place, bridge, address } = end;
  for (const { prefix } of new Set([place, underlay]))
    if (await readVxlan(prefix, tunnel.device)) await runBatch(prefix, [`link delete ${tunnel.device}`]);
  const addresses = await readAddresses(place.prefix);
  if (addresses.some((own) => own.device === bridge && own.address === address))
    await runBatch(place.prefix, [`address delete ${address} dev ${bridge}`]);
}
