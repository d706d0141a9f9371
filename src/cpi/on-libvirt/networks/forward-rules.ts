import type { PortForward } from './port-forwards.ts';

/** The forwards of one VM. */
export interface VmForwards {
  readonly cid: string;
  readonly forwards: readonly PortForward[];
}

/**
 * What iptables-restore (with --noflush) has to read so that the chains of this name forward these ports and no others. Pure. `saved`:
 * what iptables-save says now. With no forwards the chains go. '' if nothing has to be done.
 *
 * libvirt rejects what comes into a nat network from elsewhere, in chains that FORWARD leads to: ours has to stand before them.
 */
export function forwardRules(saved: string, name: string, vms: readonly VmForwards[]): string {
  const wanted = vms.flatMap(({ cid, forwards }) => forwards.map((forward) => rulesOf(forward, cid)));
  const chain = { in: `${name}_IN`, out: `${name}_OUT`, through: `${name}_FWD` };
  const nat: Table = {
    name: 'nat',
    jumps: [
      `PREROUTING -j ${chain.in}`,
      `OUTPUT ! -d 127.0.0.0/8 -j ${chain.in}`, // from the loopback device the VM's network cannot be reached
      `POSTROUTING -j ${chain.out}`,
    ],
    chains: {
      [chain.in]: wanted.map((rules) => rules.in),
      [chain.out]: wanted.map((rules) => rules.out),
    },
  };
  const filter: Table = {
    name: 'filter',
    jumps: [`FORWARD -j ${chain.through}`],
    chains: { [chain.through]: wanted.flatMap((rules) => rules.through) },
  };
  return [nat, filter].map((table) => tableText(saved, table, wanted.length > 0)).join('');
}

/** Whether the host forwards what these VMs ask for, by what iptables-save says. Pure. */
export function rulesStand(saved: string, name: string, vms: readonly VmForwards[]): boolean {
  const lines = saved.split('\n');
  const jumps = [`-A PREROUTING -j ${name}_IN`, `-A FORWARD -j ${name}_FWD`];
  const own = lines.filter((line) => line.startsWith(`-A ${name}_IN `));
  const allOf = ({ cid, forwards }: VmForwards) =>
    own.filter((line) => line.includes(` --comment ${cid} `)).length === forwards.length;
  return jumps.every((jump) => lines.includes(jump)) && vms.every(allOf);
}

interface Table {
  readonly name: string;
  readonly jumps: readonly string[];
  readonly chains: Readonly<Record<string, readonly string[]>>;
}

/** One table is changed in one step: no packet sees half of it. */
function tableText(saved: string, { name, jumps, chains }: Table, wanted: boolean): string {
  const now = sectionOf(saved, name);
  const names = Object.keys(chains);
  const leadsHere = names.flatMap((chain) => now.filter((line) => line.endsWith(` -j ${chain}`)));
  const lines = leadsHere.map((line) => line.replace(/^-A /, '-D '));
  if (wanted) {
    lines.unshift(...names.map((chain) => `:${chain} - [0:0]`)); // makes it, or empties it
    lines.push(...jumps.map((jump) => `-I ${jump.replace(' ', ' 1 ')}`));
    lines.push(...names.flatMap((chain) => (chains[chain] ?? []).map((rule) => `-A ${chain} ${rule}`)));
  } else {
    const there = names.filter((chain) => now.some((line) => line.startsWith(`:${chain} `)));
    lines.push(...there.map((chain) => `-F ${chain}`), ...there.map((chain) => `-X ${chain}`));
  }
  return lines.length === 0 ? '' : `*${name}\n${lines.join('\n')}\nCOMMIT\n`;
}

/** The lines of one table in what iptables-save says. */
function sectionOf(saved: string, table: string): string[] {
  const lines = saved.split('\n');
  const start = lines.indexOf(`*${table}`);
  return start < 0 ? [] : lines.slice(start, lines.indexOf('COMMIT', start));
}

function rulesOf({ protocol, first, last, at, to, port, neighbours }: PortForward, cid: string) {
  const hostPorts = first === last ? String(first) : `${first}:${last}`;
  const vmPorts = port === undefined ? hostPorts : String(port);
  const listening = at === undefined ? '-m addrtype --dst-type LOCAL' : `-d ${at}/32`;
  const whose = `-m comment --comment ${cid}`;
  const forwarded = `-m conntrack --ctstate DNAT ${whose}`;
  const target = port === undefined ? to : `${to}:${port}`;
  return {
    in: `-p ${protocol} ${listening} -m ${protocol} --dport ${hostPorts} ${whose} -j DNAT --to-destination ${target}`,
    // a neighbour would get the answer from an address that it has not asked
    out: `-s ${neighbours} -d ${to}/32 -p ${protocol} -m ${protocol} --dport ${vmPorts} ${forwarded} -j MASQUERADE`,
    through: [
      `-d ${to}/32 -p ${protocol} -m ${protocol} --dport ${vmPorts} ${forwarded} -j ACCEPT`,
      `-s ${to}/32 -p ${protocol} -m ${protocol} --sport ${vmPorts} ${forwarded} -j ACCEPT`,
    ],
  };
}
