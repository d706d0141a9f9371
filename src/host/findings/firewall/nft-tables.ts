import {
  type BaseChain,
  isInterface,
  isWithin,
  type Match,
  type Rule,
  type Table,
  type Verdict,
} from './packet-fate.ts';

/** As `nft -j list ruleset` prints: objects with one key each, of which these are read. */
interface Printed {
  readonly table?: { readonly family: string; readonly name: string };
  readonly chain?: PrintedChain;
  readonly rule?: PrintedRule;
  readonly set?: PrintedSet;
  /** Of verdicts; others say nothing about what becomes of a packet. */
  readonly map?: PrintedSet;
}

interface PrintedSet {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly elem?: readonly unknown[];
}

interface PrintedChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly type?: string;
  readonly policy?: string;
}

interface PrintedRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly expr: readonly Readonly<Record<string, unknown>>[];
}

/** Families whose tables see IPv4. */
const families = ['ip', 'inet'];
/** What iptables keeps in tables of these names is iptables-save's to tell. */
const ofIptables = ['filter', 'nat', 'mangle', 'raw', 'security'];

/** Reads the tables that are not iptables's own in what `nft -j list ruleset` prints. Pure. */
export function tablesOfNft(json: string): Table[] {
  const { nftables: printed = [] } = JSON.parse(json || '{}') as { nftables?: readonly Printed[] };
  return printed.flatMap(({ table }) => {
    if (!table || !families.includes(table.family)) return [];
    if (table.family === 'ip' && ofIptables.includes(table.name)) return [];
    return [tableOf(printed, table)];
  });
}

function tableOf(printed: readonly Printed[], { family, name }: { family: string; name: string }): Table {
  const isOwn = (each: { family: string; table: string } | undefined) =>
    each?.family === family && each.table === name;
  const chains = printed.flatMap(({ chain }) => (chain && isOwn(chain) ? [chain] : []));
  const rules = printed.flatMap(({ rule }) => (rule && isOwn(rule) ? [rule] : []));
  const sets = new Map(
    printed.flatMap(({ set, map = set }) =>
      map && isOwn(map) ? [[`@${map.name}`, map.elem ?? []] as const] : [],
    ),
  );
  return {
    bases: chains.flatMap((chain) => baseOf(chain)),
    chains: new Map(
      chains.map((chain) => [
        chain.name,
        rules.filter((rule) => rule.chain === chain.name).flatMap((rule) => rulesOf(rule, sets)),
      ]),
    ),
  };
}

function baseOf({ family, table, name, hook, type, policy }: PrintedChain): BaseChain[] {
  if (type !== 'filter' || (hook !== 'input' && hook !== 'forward')) return [];
  const text = `nft table ${family} ${table}, chain ${name}: policy drop`;
  return [{ hook, chain: name, policy: policy === 'drop' ? 'drop' : 'accept', text }];
}

type Sets = ReadonlyMap<string, readonly unknown[]>;

/** A verdict map is as many rules as it has entries. */
function rulesOf({ family, table, chain, handle, expr }: PrintedRule, sets: Sets): Rule[] {
  const text = `nft table ${family} ${table}, chain ${chain}, rule ${handle}`;
  const matches: Match[] = [];
  const rules: Rule[] = [];
  for (const statement of expr) {
    const [[kind = '', value] = []] = Object.entries(statement);
    if (kind === 'match') matches.push(matchOf(value as PrintedMatch, sets));
    else if (kind === 'vmap') rules.push(...mapped(value as PrintedMap, [...matches], text, sets));
    else if (!silent.includes(kind))
      rules.push({ matches: [...matches], verdict: verdictOf(kind, value), text });
    if (conditions.includes(kind)) matches.push(() => undefined);
  }
  return rules;
}

/** Statements on which it hangs whether the next ones are reached: a rate, an extension of iptables's that nft cannot read. */
const conditions = ['limit', 'quota', 'xt'];
/** Statements that say nothing about what becomes of the packet. */
const silent = ['counter', 'log', 'comment', 'mangle', 'notrack', ...conditions];

function verdictOf(kind: string, value: unknown): Verdict {
  const { target = '' } = (value ?? {}) as { target?: string };
  if (kind === 'accept' || kind === 'return') return kind;
  if (kind === 'drop' || kind === 'reject') return 'drop';
  if (kind === 'jump') return { jump: target };
  return kind === 'goto' ? { goto: target } : 'next';
}

interface PrintedMap {
  readonly key: unknown;
  /** The name of one, or what is in it. */
  readonly data: string | { readonly set?: readonly unknown[] };
}

function mapped({ key, data }: PrintedMap, matches: readonly Match[], text: string, sets: Sets): Rule[] {
  const entries = typeof data === 'string' ? sets.get(data) : data.set;
  // of one that is not shown nobody can tell what it does
  if (!entries) return [{ matches: [...matches, () => undefined], verdict: 'accept', text }];
  return (entries as readonly (readonly [unknown, Readonly<Record<string, unknown>>])[]).map(
    ([value, verdict]) => {
      const [[kind = '', target] = []] = Object.entries(verdict);
      const own = matchOf({ op: '==', left: key, right: value }, sets);
      return { matches: [...matches, own], verdict: verdictOf(kind, target), text };
    },
  );
}

interface PrintedMatch {
  readonly op: string;
  readonly left: unknown;
  readonly right: unknown;
}

/** What only packets of these have, and nft says so of a rule that looks at it: those that are followed here are none. */
const otherProtocols = ['icmp', 'icmpv6', 'igmp', 'ip6', 'arp'];

function matchOf({ op, left, right }: PrintedMatch, sets: Sets): Match {
  const { payload } = left as { payload?: { protocol?: string } };
  if (otherProtocols.includes(payload?.protocol ?? '')) return () => false;
  const is = fieldOf(left);
  const values = valuesOf(right, sets);
  if (!is || !values || !['==', '!=', 'in'].includes(op)) return () => undefined;
  return (packet) => {
    const answers = values.map((value) => is(packet, value));
    if (answers.includes(undefined)) return undefined;
    return answers.includes(true) === (op !== '!=');
  };
}

/** The values of a set, named or not; undefined for what is no list of values. */
function valuesOf(right: unknown, sets: Sets): readonly unknown[] | undefined {
  if (typeof right === 'string' && right.startsWith('@')) return sets.get(right);
  if (Array.isArray(right)) return right;
  const { set } = (typeof right === 'object' ? (right ?? {}) : {}) as { set?: readonly unknown[] };
  return set ?? [right];
}

type Field = (packet: Parameters<Match>[0], value: unknown) => boolean | undefined;

/** What a match looks at, as far as it is known here. */
function fieldOf(left: unknown): Field | undefined {
  const { meta, ct, payload } = left as {
    meta?: { key: string };
    ct?: { key: string };
    payload?: { protocol?: string; field?: string };
  };
  if (meta?.key === 'iifname' || meta?.key === 'iif')
    return ({ from }, value) => isInterface(String(value), from, '*');
  if (meta?.key === 'oifname' || meta?.key === 'oif')
    return ({ to }, value) => isInterface(String(value), to, '*');
  if (meta?.key === 'l4proto') return ({ protocol }, value) => value === protocol;
  if (meta?.key === 'nfproto') return (_, value) => value === 'ipv4';
  if (ct?.key === 'state') return ({ isAnswer }, value) => value === (isAnswer ? 'established' : 'new');
  if (payload?.protocol === 'ip' && payload.field === 'protocol')
    return ({ protocol }, value) => value === protocol;
  if (payload?.protocol === 'ip' && payload.field === 'saddr')
    return ({ source }, value) => isAmongAddresses(source, value);
  if (payload?.protocol === 'ip' && payload.field === 'daddr')
    return ({ destination }, value) => isAmongAddresses(destination, value);
  if (payload?.field === 'dport')
    return ({ protocol, port, isAnswer }, value) => {
      if (payload.protocol !== protocol && payload.protocol !== 'th') return false;
      return isAnswer ? undefined : isAmongPorts(port, value);
    };
  return undefined;
}

function isAmongAddresses(address: string, value: unknown): boolean | undefined {
  if (typeof value === 'string') return address === value;
  const { prefix } = (value ?? {}) as { prefix?: { addr: string; len: number } };
  if (!prefix) return undefined;
  return !prefix.addr.includes(':') && isWithin(address, `${prefix.addr}/${prefix.len}`);
}

function isAmongPorts(port: number, value: unknown): boolean | undefined {
  if (typeof value === 'number') return port === value;
  const { range } = (value ?? {}) as { range?: readonly [number, number] };
  return range ? port >= range[0] && port <= range[1] : undefined;
}
