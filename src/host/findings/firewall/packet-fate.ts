/** What becomes of a packet by a firewall's rules, whoever wrote them. Pure. */

/** A packet that a firewall looks at. */
export interface Packet {
  /** The interface that it comes in by. */
  readonly from: string;
  /** The interface that it leaves by; undefined: it is for the machine itself. */
  readonly to: string | undefined;
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'tcp' | 'udp';
  /** Where it wants to go. */
  readonly port: number;
  /** Whether it answers another one: connections are known by their first packet. */
  readonly isAnswer: boolean;
}

/** Whether a rule is about this packet; undefined: that cannot be told from here. */
export type Match = (packet: Packet) => boolean | undefined;

/** `jump` comes back where its chain ends, `goto` does not. */
export type Verdict =
  | 'accept'
  | 'drop'
  | 'return'
  | 'next'
  | { readonly jump: string }
  | { readonly goto: string };

export interface Rule {
  readonly matches: readonly Match[];
  readonly verdict: Verdict;
  /** For people who look for it. */
  readonly text: string;
}

/** A chain that the kernel enters by itself. */
export interface BaseChain {
  readonly hook: 'input' | 'forward';
  readonly chain: string;
  readonly policy: 'accept' | 'drop';
  /** For people: whose policy it is. */
  readonly text: string;
}

/** One table: what it accepts another one may still drop. */
export interface Table {
  readonly bases: readonly BaseChain[];
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
}

/** The rules, or the policies, that drop the packet, one for each table; empty if none does for certain. */
export function dropsOf(tables: readonly Table[], packet: Packet): string[] {
  const hook = packet.to === undefined ? 'input' : 'forward';
  return tables.flatMap((table) =>
    table.bases.filter((base) => base.hook === hook).flatMap((base) => dropBy(table, base, packet) ?? []),
  );
}

/** Deep enough for any firewall, and an end for one that leads in circles. */
const depthAtMost = 32;

interface Walk {
  readonly table: Table;
  readonly packet: Packet;
  /** A rule that could not be told has led away from here, maybe to where the packet is let through. */
  isUnsure: boolean;
}

function dropBy(table: Table, base: BaseChain, packet: Packet): string | undefined {
  const walk: Walk = { table, packet, isUnsure: false };
  const end = follow(walk, base.chain, 0) ?? (base.policy === 'drop' ? { drop: base.text } : 'accept');
  return end === 'accept' || walk.isUnsure ? undefined : end.drop;
}

type End = 'accept' | { readonly drop: string };

/** undefined: the chain came to its end. */
function follow(walk: Walk, chain: string, depth: number): End | undefined {
  if (depth > depthAtMost) return 'accept';
  for (const { matches, verdict, text } of walk.table.chains.get(chain) ?? []) {
    const answers = matches.map((match) => match(walk.packet));
    if (verdict === 'next' || answers.includes(false)) continue;
    if (answers.includes(undefined)) {
      walk.isUnsure ||= mayLetThrough(walk, verdict, depth);
      continue;
    }
    if (verdict === 'accept') return 'accept';
    if (verdict === 'drop') return { drop: text };
    if (verdict === 'return') return undefined;
    if ('goto' in verdict) return follow(walk, verdict.goto, depth + 1);
    const end = follow(walk, verdict.jump, depth + 1);
    if (end) return end;
  }
  return undefined;
}

/** Whether a rule that may be about the packet, or may not, could save it. */
function mayLetThrough(walk: Walk, verdict: Verdict, depth: number): boolean {
  if (typeof verdict === 'string') return verdict !== 'drop';
  const aside: Walk = { ...walk, isUnsure: false };
  const chain = 'goto' in verdict ? verdict.goto : verdict.jump;
  return follow(aside, chain, depth + 1) === 'accept' || aside.isUnsure;
}

/** Interfaces by name: both firewalls end a pattern with a sign of their own. */
export const isInterface = (pattern: string, name: string | undefined, any: '+' | '*'): boolean =>
  pattern.endsWith(any) ? (name ?? '').startsWith(pattern.slice(0, -1)) : pattern === name;

/** Whether an IPv4 address lies in `10.0.0.0/8`, or is that very one. */
export function isWithin(address: string, cidr: string): boolean {
  const [base = '', length = '32'] = cidr.split('/');
  const shift = 2 ** (32 - Number(length));
  return Math.floor(numberOf(address) / shift) === Math.floor(numberOf(base) / shift);
}

const numberOf = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
