import { BlockList, isIPv4 } from 'node:net';
import { UserError } from '../platform/errors.ts';
import { shortHash } from '../platform/ids.ts';

/** An IPv4 range with the addresses that boshvirt gives out of it. */
export interface NetworkPlan {
  readonly cidr: string;
  readonly gateway: string;
  readonly prefixLength: number;
  /** The machine's address. */
  readonly ip: string;
}

/** First address: the host's end of the bridge. Tenth: the machine. */
const gatewayOffset = 1;
const machineOffset = 10;

/**
 * Reads `a.b.c.d/len` (len 8 to 27, so that the tenth address is inside) and an address for the machine.
 * Throws a UserError that says what is wrong.
 */
export function planNetwork(cidr: string, ip?: string): NetworkPlan {
  const [address = '', length = ''] = cidr.split('/');
  const prefixLength = Number(length);
  if (!isIPv4(address) || !/^\d+$/.test(length) || prefixLength < 8 || prefixLength > 27) {
    throw wrong(
      `'${cidr}' is not an IPv4 range`,
      'write it like 192.168.150.0/24; the length may be 8 to 27',
    );
  }
  const base = toNumber(address);
  if (base % 2 ** (32 - prefixLength) !== 0) {
    const start = toAddress(base - (base % 2 ** (32 - prefixLength)));
    throw wrong(
      `'${cidr}' does not begin at a network's first address`,
      `did you mean ${start}/${prefixLength}?`,
    );
  }
  const gateway = toAddress(base + gatewayOffset);
  const machine = ip ?? toAddress(base + machineOffset);
  const plan = { cidr, gateway, prefixLength, ip: machine };
  refuseUnusable(plan, base);
  return plan;
}

function refuseUnusable({ cidr, gateway, prefixLength, ip }: NetworkPlan, base: number): void {
  if (!isIPv4(ip)) throw wrong(`'${ip}' is not an IPv4 address`, 'write it like 192.168.150.10');
  const range = new BlockList();
  range.addSubnet(toAddress(base), prefixLength);
  if (!range.check(ip)) throw wrong(`${ip} is not in ${cidr}`, 'choose an address inside the range');
  const last = toAddress(base + 2 ** (32 - prefixLength) - 1);
  if (ip === gateway || ip === toAddress(base) || ip === last) {
    throw wrong(
      `${ip} is not free for a machine in ${cidr}`,
      `${gateway} is the host's end; the first and last address mean the network itself`,
    );
  }
}

function wrong(message: string, hint: string): UserError {
  return new UserError('USAGE', message, { hints: [hint] });
}

const toNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/** libvirt's names for an environment's objects; a bridge's name holds at most 15 characters. */
export function objectNames(environment: string): { network: string; pool: string; bridge: string } {
  const bridge = environment.length <= 12 ? `bv-${environment}` : `bv-${shortHash(environment, 10)}`;
  return { network: `boshvirt-${environment}`, pool: `boshvirt-${environment}`, bridge };
}
