import { forgetNeighbour, knowsNeighbour } from '../../clients/iproute/index.ts';
import { dialThroughNetns } from '../forward.ts';

/** A port that nobody listens on: the answer is a refusal, or none. Either way the address was asked for its MAC. */
const discardPort = 9;
/** The kernel asks three times, once a second. */
const timeoutMs = 4_000;

/**
 * Whether frames come through a bridge to the neighbour `address`, and back: it tells its MAC. What a firewall there thinks of
 * packets does not matter. `prefix`: root where the bridge is; `netnsPath`: the same place, if that is a network namespace.
 */
export async function reachesNeighbour(
  place: { readonly prefix: readonly string[]; readonly netnsPath: string | undefined },
  bridge: string,
  address: string,
  signal: AbortSignal,
): Promise<boolean> {
  await forgetNeighbour(place.prefix, bridge, address);
  const dialled = dialThroughNetns(place.netnsPath, address, discardPort, { timeoutMs, signal });
  const connection = await dialled.catch(() => undefined); // what the neighbour has said to that is looked up
  signal.throwIfAborted();
  connection?.destroy();
  return await knowsNeighbour(place.prefix, bridge, address);
}
