import { run, which } from '../../../platform/process.ts';
import { tableOfIptables } from './iptables-tables.ts';
import { tablesOfNft } from './nft-tables.ts';
import type { Table } from './packet-fate.ts';

/** Who looks after a machine's rules: a rule of somebody else's would not outlive its next reload. */
export type FirewallManager = 'firewalld' | 'ufw' | 'docker' | 'nobody';

export interface Firewall {
  /** iptables's, read by itself. */
  readonly iptables: Table | undefined;
  /** Others, whose chains stand beside iptables's: what these drop no rule of libvirt's can let through. */
  readonly others: readonly Table[];
  readonly manager: FirewallManager;
  /** What a program is started with to run where the rules are; empty for this machine's own network. */
  readonly prefix: readonly string[];
}

const timeoutMs = 10_000;

/**
 * The rules of a machine's network, or of a network namespace's: `prefix` is what programs are started with. Takes root. A program that
 * is not installed has no rules.
 */
export async function readFirewall(prefix: readonly string[] = []): Promise<Firewall> {
  const [saved, ruleset] = [
    await output(prefix, ['iptables-save']),
    await output(prefix, ['nft', '-j', 'list', 'ruleset']),
  ];
  return {
    iptables: tableOfIptables(saved),
    others: tablesOfNft(ruleset),
    manager: await managerOf(saved, prefix),
    prefix,
  };
}

/** '' where there is no such program. */
async function output(prefix: readonly string[], argv: readonly [string, ...string[]]): Promise<string> {
  const program = await which(argv[0]);
  if (program === undefined) return '';
  const command = [...prefix, program, ...argv.slice(1)] as [string, ...string[]];
  return (await run(command, { timeoutMs })).stdout;
}

/** firewalld looks after the machine's own network alone. */
async function managerOf(saved: string, prefix: readonly string[]): Promise<FirewallManager> {
  if (prefix.length === 0 && (await firewalldRuns())) return 'firewalld';
  if (/^:ufw-/m.test(saved)) return 'ufw';
  return /^:DOCKER/m.test(saved) ? 'docker' : 'nobody';
}

async function firewalldRuns(): Promise<boolean> {
  const program = await which('firewall-cmd');
  if (program === undefined) return false;
  const { exitCode } = await run([program, '--state'], { timeoutMs, okExitCodes: [252] }); // 252: it does not run
  return exitCode === 0;
}
