import { isIPv4 } from 'node:net';
import { readAddresses, sourceTowards } from '../../clients/iproute/index.ts';
import { UserError } from '../../platform/errors.ts';
import { addressesOfLogin, type Machine } from '../machine.ts';

/** The IPv4 addresses of a tunnel's ends, and in which of our networks the nearer one is. */
export interface Way {
  readonly near: string;
  readonly far: string;
  readonly underlay: 'machine' | 'bridges';
}

/** The other machine. */
interface There {
  /** For people. */
  readonly name: string;
  /** Where ssh leads to it. */
  readonly machine?: Machine | undefined;
}

/** Where this end may be. */
interface Here {
  readonly machine: Machine;
  /** The network that the bridges are in; the same object if that is the machine's. */
  readonly bridges: Machine;
}

/**
 * Finds which addresses a tunnel to another machine can be between: `asked`, or the one that the login there came to, and ours
 * that leads there. Throws a UserError for an address that is ours, that no route leads to, or where a login's address is not
 * that of the machine itself, so that UDP would not come back.
 */
export async function findWay(there: There, asked: string | undefined, here: Here): Promise<Way> {
  const login = there.machine && (await addressesOfLogin(there.machine));
  const far = asked ?? login?.server ?? '';
  if (!isIPv4(far)) throw unusable(`'${far}' of ${there.name} is no IPv4 address`);
  const { near, underlay } = await sourceOf(far, here);
  if (near === undefined) throw unusable(`no route of this machine leads to ${far} of ${there.name}`);
  if (near === far || (await has(here[underlay], far)))
    throw unusable(`${far} is an address of this machine itself`);
  if (asked === undefined && login?.client !== near) throw unusable(behindNat(there, near, login?.client));
  return { near, far, underlay };
}

/** Our address that leads to another one: in the network that the bridges are in, or else in the machine's. */
export async function sourceOf(
  far: string,
  { machine, bridges }: Here,
): Promise<{ near: string | undefined; underlay: Way['underlay'] }> {
  const fromBridges = bridges === machine ? undefined : await sourceTowards(bridges.prefix, far);
  if (fromBridges !== undefined) return { near: fromBridges, underlay: 'bridges' };
  return { near: await sourceTowards(machine.prefix, far), underlay: 'machine' };
}

const has = async ({ prefix }: Machine, address: string): Promise<boolean> =>
  (await readAddresses(prefix)).some((own) => own.address.startsWith(`${address}/`));

const behindNat = ({ name }: There, near: string, seen: string | undefined): string =>
  `${name} sees this machine as ${seen || 'nobody'}, and its own address is ${near}: NAT is between them`;

const unusable = (why: string): UserError =>
  new UserError('USAGE', `A tunnel cannot be made: ${why}`, {
    hints: [
      'name an IPv4 address of the other machine’s that this one reaches without NAT: --address IP',
      'behind NAT, give both machines addresses in a VPN: WireGuard, say',
    ],
  });
