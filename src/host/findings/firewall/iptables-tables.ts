import { isInterface, isWithin, type Match, type Rule, type Table, type Verdict } from './packet-fate.ts';

/** Reads the filter table in what iptables-save prints; undefined without one. Pure. */
export function tableOfIptables(saved: string): Table | undefined {
  const lines = saved.split('\n');
  const start = lines.indexOf('*filter');
  if (start < 0) return undefined;
  const own = lines.slice(start, lines.indexOf('COMMIT', start));
  const chains = new Map<string, Rule[]>();
  const bases = [];
  for (const line of own) {
    const [, chain = '', policy] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (policy !== undefined) chains.set(chain, []);
    if (policy !== undefined && (chain === 'INPUT' || chain === 'FORWARD')) {
      const hook = chain === 'INPUT' ? 'input' : 'forward';
      const text = `iptables -P ${chain} ${policy}`;
      bases.push({ hook, chain, policy: policy === 'DROP' ? 'drop' : 'accept', text } as const);
    }
    const [, of = '', words = ''] = /^-A (\S+) ?(.*)/.exec(line) ?? [];
    if (of !== '') chains.get(of)?.push(ruleOf(words, line));
  }
  return { bases, chains };
}

const endings: Readonly<Record<string, Verdict>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'drop',
  RETURN: 'return',
};
/** Targets that let the packet go on to the next rule. */
const passing = ['LOG', 'NFLOG', 'MARK', 'CONNMARK', 'CHECKSUM', 'TCPMSS', 'TRACE', 'AUDIT', 'SET'];

function ruleOf(words: string, line: string): Rule {
  const tokens = words.match(/"(?:\\.|[^"])*"|\S+/g) ?? [];
  const at = tokens.findIndex((token) => token === '-j' || token === '-g');
  const target = at < 0 ? undefined : tokens[at + 1];
  const matches = matchesOf(at < 0 ? tokens : tokens.slice(0, at));
  const text = `iptables ${line}`;
  if (target === undefined || passing.includes(target)) return { matches, verdict: 'next', text };
  const elsewhere = tokens[at] === '-g' ? { goto: target } : { jump: target };
  return { matches, verdict: endings[target] ?? elsewhere, text };
}

/** Options that say nothing about the packet. */
const silent = ['-m', '--comment'];

function matchesOf(tokens: readonly string[]): Match[] {
  const matches: Match[] = [];
  for (let at = 0; at < tokens.length; ) {
    const isNot = tokens[at] === '!';
    const option = tokens[isNot ? at + 1 : at] ?? '';
    const first = at + (isNot ? 2 : 1);
    let next = first;
    while (next < tokens.length && !/^(-|!$)/.test(tokens[next] ?? '')) next++;
    if (!silent.includes(option)) {
      const match = matchOf(option, tokens[first] ?? '');
      matches.push(isNot ? (packet) => negated(match(packet)) : match);
    }
    at = next;
  }
  return matches;
}

const negated = (answer: boolean | undefined): boolean | undefined =>
  answer === undefined ? undefined : !answer;

function matchOf(option: string, value: string): Match {
  switch (option) {
    case '-i':
      return ({ from }) => isInterface(value, from, '+');
    case '-o':
      return ({ to }) => isInterface(value, to, '+');
    case '-s':
      return ({ source }) => isWithin(source, value);
    case '-d':
      return ({ destination }) => isWithin(destination, value);
    case '-p':
      return ({ protocol }) => value === 'all' || value === protocol;
    case '--dport':
    case '--dports':
      return ({ port, isAnswer }) =>
        isAnswer ? undefined : value.split(',').some((ports) => isAmong(port, ports));
    case '--dst-type':
      return ({ to }) => value === 'LOCAL' && to === undefined; // no packet here is for many
    case '--state':
    case '--ctstate':
      return ({ isAnswer }) => value.split(',').includes(isAnswer ? 'ESTABLISHED' : 'NEW');
    default:
      return () => undefined;
  }
}

/** `53`, `8000:8010`. */
function isAmong(port: number, ports: string): boolean {
  const [first = '', last = first] = ports.split(':');
  return port >= Number(first) && port <= Number(last);
}
