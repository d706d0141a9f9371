import { run } from '../../platform/process.ts';
import { ask } from './ask.ts';

/** One end of a VXLAN between two machines: an interface whose frames go to the other end in UDP packets (RFC 7348). */
interface Vxlan {
  /** 24 bits; the same at both ends. */
  readonly id: number;
  /** IPv4 addresses of this end and the other one. */
  readonly local: string;
  readonly remote: string;
  readonly port: number;
  /** The bridge that it is plugged into. */
  readonly master: string | undefined;
  readonly isUp: boolean;
}

/** As `ip -json -details link show type vxlan` prints it. */
interface PrintedVxlan {
  readonly ifname: string;
  readonly master?: string;
  readonly flags?: readonly string[];
  readonly linkinfo?: {
    readonly info_data?: {
      readonly id?: number;
      readonly local?: string;
      readonly remote?: string;
      readonly port?: number;
    };
  };
}

interface PrintedWay {
  readonly prefsrc?: string;
}

/** The VXLAN interface of that name, or undefined if there is none. */
export async function readVxlan(prefix: readonly string[], name: string): Promise<Vxlan | undefined> {
  const printed = await ask<PrintedVxlan>(prefix, ['-details', 'link', 'show', 'type', 'vxlan']);
  const found = printed.find(({ ifname }) => ifname === name);
  if (found === undefined) return undefined;
  const { id = 0, local = '', remote = '', port = 0 } = found.linkinfo?.info_data ?? {};
  return { id, local, remote, port, master: found.master, isUp: found.flags?.includes('UP') ?? false };
}

/** The address that packets to an IPv4 address would come from, or undefined if no route leads there. */
export async function sourceTowards(prefix: readonly string[], address: string): Promise<string | undefined> {
  const noRoute = 2;
  const [way] = await ask<PrintedWay>(prefix, ['-4', 'route', 'get', address], [noRoute]);
  return way?.prefsrc;
}

/** Forgets what MAC an IPv4 address had at an interface, so that the next packet asks for it. */
export async function forgetNeighbour(
  prefix: readonly string[],
  device: string,
  address: string,
): Promise<void> {
  await runBatch(prefix, [`neighbour flush to ${address} dev ${device}`]);
}

/** Whether an IPv4 address has told its MAC at an interface. */
export async function knowsNeighbour(
  prefix: readonly string[],
  device: string,
  address: string,
): Promise<boolean> {
  const found = await ask<{ lladdr?: string }>(prefix, [
    '-4',
    'neighbour',
    'show',
    'to',
    address,
    'dev',
    device,
  ]);
  return found.some(({ lladdr }) => lladdr !== undefined);
}

/** Runs several commands of ip(8) in one program; ends with the first that fails. Throws a ToolError. */
export async function runBatch(prefix: readonly string[], commands: readonly string[]): Promise<void> {
  const [program = '', ...words] = [...prefix, 'ip', '-batch', '-'];
  await run([program, ...words], { input: `${commands.join('\n')}\n`, timeoutMs: 30_000 });
}
