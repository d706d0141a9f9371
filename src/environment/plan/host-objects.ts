import type { Distance } from '../distance.ts';
import { privateHostFolder } from '../paths.ts';
import type { EnvironmentRecord } from '../record.ts';
import { formatMegabytes } from '../sizes.ts';
import type { Standing } from './standing.ts';

/** What `up` does with a part of an environment. */
export type Act = 'keep' | 'make' | 'start' | 'change' | 'make anew';

export interface HostObject {
  readonly kind: string;
  readonly act: Act;
  /** Its name, place and size, for people. */
  readonly detail: string;
}

/** One environment: what is wanted of it, what was decided before, and what stands. */
interface Situation extends Standing {
  readonly wanted: EnvironmentRecord;
  readonly before: EnvironmentRecord | undefined;
  readonly distance: Distance | 'new';
}

/** The parts that an environment consists of, in the order in which `up` sees to them. Pure. */
export const hostObjects = (situation: Situation): HostObject[] => [
  ...privateHost(situation),
  ...ground(situation),
  ...otherHosts(situation),
  machine(situation),
  ...persistentDisk(situation),
  ...cpiServer(situation),
  ...director(situation),
];

function privateHost({ wanted, before, hostRuns }: Situation): HostObject[] {
  if (wanted.host !== 'private') return [];
  const act = hostRuns ? 'keep' : before ? 'start' : 'make';
  return [{ kind: 'private libvirt host', act, detail: privateHostFolder() }];
}

function ground({ wanted, before, inventory }: Situation): HostObject[] {
  const { pool, network } = wanted;
  const act = (isActive: boolean | undefined): Act => (isActive ? 'keep' : before ? 'start' : 'make');
  const networkAct = act(inventory?.networkActive);
  const range = `${network.cidr}, bridge ${network.bridge}, host ${network.gateway}`;
  return [
    { kind: 'storage pool', act: act(inventory?.storageActive), detail: `${pool.name} in ${pool.path}` },
    { kind: 'network', act: networkAct, detail: `${network.name}, ${range}` },
    ...waysIn(wanted, before, networkAct),
  ];
}

function waysIn(
  { workload, network }: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
  networkAct: Act,
): HostObject[] {
  if (!workload) return [];
  const isRenamed = before?.workload !== undefined && before.workload.domain !== workload.domain;
  return [
    { kind: 'route', act: networkAct, detail: `${workload.cidr} by ${network.ip}` },
    {
      kind: 'names',
      act: isRenamed ? 'change' : networkAct,
      detail: `*.${workload.domain} is ${workload.router}`,
    },
  ];
}

function otherHosts({ otherHosts: { names, joined } }: Situation): HostObject[] {
  if (names.length === 0) return [];
  return [{ kind: 'other hosts', act: joined ? 'keep' : 'start', detail: names.join(', ') }];
}

function machine(situation: Situation): HostObject {
  const { network, resources } = situation.wanted;
  const [memory, ephemeral] = [resources.memoryMb, resources.ephemeralDiskMb].map(formatMegabytes);
  const detail = `${network.ip}: ${resources.cpus} cpu, ${memory}, ephemeral disk ${ephemeral}`;
  return { kind: 'machine', act: machineAct(situation), detail };
}

function machineAct({ vm, inventory, distance }: Situation): Act {
  if (vm === undefined) return 'make';
  if (distance === 'none') return 'keep';
  if (distance !== 'repair') return 'make anew';
  if (inventory === undefined) return 'start'; // its host is down
  const state = inventory.vms.find(({ cid }) => cid === vm)?.state;
  return state === undefined ? 'make anew' : state === 'running' ? 'keep' : 'start';
}

function persistentDisk({ wanted, before, vm }: Situation): HostObject[] {
  const { persistentDiskMb: wantedMb } = wanted.resources;
  if (wantedMb === 0) return [];
  const hasMb = vm === undefined ? undefined : before?.resources.persistentDiskMb;
  const [size, had] = [formatMegabytes(wantedMb), formatMegabytes(hasMb ?? 0)];
  const facts = { kind: 'persistent disk', detail: size };
  if (hasMb === undefined) return [{ ...facts, act: 'make' }];
  if (hasMb === wantedMb) return [{ ...facts, act: 'keep' }];
  return [{ ...facts, act: 'change', detail: `${had} become ${size}, with what is on it` }];
}

function cpiServer({ cpiServer: server, before }: Situation): HostObject[] {
  if (!server) return [];
  const act = server.state === 'running' ? 'keep' : before ? 'start' : 'make';
  return [{ kind: 'CPI server', act, detail: server.url }];
}

/** Not of the host, but what `up` does last. */
function director({ director: has }: Situation): HostObject[] {
  if (has === undefined) return [];
  const act = ({ nothing: 'make', 'the same': 'keep', another: 'change' } as const)[has];
  return [{ kind: 'director', act, detail: 'its configs and the stemcell of deployments' }];
}
