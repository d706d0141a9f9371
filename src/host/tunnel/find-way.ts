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
export async function findWay(there: Machine, asked: string | undefined, here: Here): Promise<Way> {
  const login = await addressesOfLogin(there);
  const far = asked ?? login.server;
  if (!isIPv4(far)) throw unusable(`'${far}' of ${there.name} is no IPv4 address`);
  const fromBridges =
    here.bridges === here.machine ? undefined : await sourceTowards(here.bridges.prefix, far);
  const underlay = fromBridges === undefined ? 'machine' : 'bridges';
  const near = fromBridges ?? (await sourceTowards(here.machine.prefix, far));
  if (near === undefined) throw unusable(`no route of this machine leads to ${far} of ${there.name}`);
  if (near === far || (await has(here[underlay], far)))
    throw unusable(`${far} is an address of this machine itself`);
  if (asked === undefined && login.client !== near) throw unusable(behindNat(there, near, login.client));
  return { near, far, underlay };
}

const has = async ({ prefix }: Machine, address: string): Promise<boolean> =>
  (await readAddresses(prefix)).some((own) => own.address.startsWith(`${address}/`));

const behindNat = ({ name }: Machine, near: string, seen: string): string =>
  `${name} sees this machine as ${seen || 'nobody'}, and its own address is ${near}: NAT is between them`;

const unusable = (why: string): UserError =>
  new UserError('USAGE', `A tunnel cannot be made: ${why}`, {
    hints: [
      'name an IPv4 address of the other machine’s that this one reaches without NAT: --address IP',
      'behind NAT, give both machines addresses in a VPN: WireGuard, say',
    ],
  });
