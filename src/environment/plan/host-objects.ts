import type { Inventory, VmCid } from '../../cpi/backend.ts';
import type { Log } from '../../platform/log.ts';
import { cpiServerState, needsCpiServer } from '../cpi-server.ts';
import { hasDirector } from '../director/index.ts';
import { type Distance, hasItsInputs } from '../distance.ts';
import { privateHostFolder } from '../paths.ts';
import type { EnvironmentRecord } from '../record.ts';
import { currentVm, hostRuns, openBackend } from '../session.ts';
import { formatMegabytes } from '../sizes.ts';

/** What `up` does with a thing of the host's. */
export type Act = 'keep' | 'make' | 'start' | 'change' | 'make anew';

export interface HostObject {
  readonly kind: string;
  readonly act: Act;
  /** Its name, place and size, for people. */
  readonly detail: string;
}

/** What stands of an environment. */
interface Standing {
  readonly hostRuns: boolean;
  /** undefined where the hypervisor cannot be asked, or nothing of the environment was ever made. */
  readonly inventory: Inventory | undefined;
  readonly vm: VmCid | undefined;
}

/** The host's things that an environment consists of, in the order in which `up` sees to them. Looks, and changes nothing. */
export async function hostObjects(
  wanted: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
  far: Distance | 'new',
  log: Log,
): Promise<HostObject[]> {
  const standing = await standingOf(wanted, before, log);
  return [
    ...privateHost(wanted, standing, before),
    ...ground(wanted, standing, before),
    machine(wanted, standing, far),
    ...persistentDisk(wanted, before, standing),
    ...(await cpiServer(wanted, before)),
    ...(await director(wanted, before)),
  ];
}

async function standingOf(
  wanted: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
  log: Log,
): Promise<Standing> {
  const runs = await hostRuns(wanted);
  if (!before || !runs)
    return { hostRuns: runs, inventory: undefined, vm: before && (await currentVm(before.name)) };
  await using backend = await openBackend(before, log);
  return { hostRuns: runs, inventory: await backend.ground.inventory(), vm: await currentVm(before.name) };
}

function privateHost(
  { host }: EnvironmentRecord,
  { hostRuns }: Standing,
  before: EnvironmentRecord | undefined,
): HostObject[] {
  if (host !== 'private') return [];
  const act = hostRuns ? 'keep' : before ? 'start' : 'make';
  return [{ kind: 'private libvirt host', act, detail: privateHostFolder() }];
}

function ground(
  { pool, network, workload }: EnvironmentRecord,
  { inventory }: Standing,
  before: EnvironmentRecord | undefined,
): HostObject[] {
  const act = (isActive: boolean | undefined): Act => (isActive ? 'keep' : before ? 'start' : 'make');
  const [poolAct, networkAct] = [act(inventory?.storageActive), act(inventory?.networkActive)];
  const { cidr, bridge, gateway, ip } = network;
  const isRenamed = before?.workload !== undefined && before.workload.domain !== workload?.domain;
  return [
    { kind: 'storage pool', act: poolAct, detail: `${pool.name} in ${pool.path}` },
    {
      kind: 'network',
      act: networkAct,
      detail: `${network.name}, ${cidr}, bridge ${bridge}, host ${gateway}`,
    },
    ...(workload
      ? [
          { kind: 'route', act: networkAct, detail: `${workload.cidr} by ${ip}` },
          {
            kind: 'names',
            act: isRenamed ? 'change' : networkAct,
            detail: `*.${workload.domain} is ${workload.router}`,
          },
        ]
      : []),
  ];
}

function machine(
  { network, resources: { cpus, memoryMb, ephemeralDiskMb } }: EnvironmentRecord,
  { vm, inventory }: Standing,
  far: Distance | 'new',
): HostObject {
  const size = `${cpus} cpu, ${formatMegabytes(memoryMb)}, ephemeral disk ${formatMegabytes(ephemeralDiskMb)}`;
  return { kind: 'machine', act: machineAct(vm, inventory, far), detail: `${network.ip}: ${size}` };
}

function machineAct(vm: VmCid | undefined, inventory: Inventory | undefined, far: Distance | 'new'): Act {
  if (vm === undefined) return 'make';
  if (far === 'none') return 'keep';
  if (far !== 'repair') return 'make anew';
  if (inventory === undefined) return 'start'; // its host is down
  const state = inventory.vms.find((each) => each.cid === vm)?.state;
  return state === undefined ? 'make anew' : state === 'running' ? 'keep' : 'start';
}

function persistentDisk(
  { resources: { persistentDiskMb: wantedMb } }: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
  { vm }: Standing,
): HostObject[] {
  if (wantedMb === 0) return [];
  const hasMb = vm === undefined ? undefined : before?.resources.persistentDiskMb;
  if (hasMb === undefined)
    return [{ kind: 'persistent disk', act: 'make', detail: formatMegabytes(wantedMb) }];
  if (hasMb === wantedMb)
    return [{ kind: 'persistent disk', act: 'keep', detail: formatMegabytes(wantedMb) }];
  const detail = `${formatMegabytes(hasMb)} become ${formatMegabytes(wantedMb)}, with what is on it`;
  return [{ kind: 'persistent disk', act: 'change', detail }];
}

async function cpiServer(
  wanted: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
): Promise<HostObject[]> {
  if (!needsCpiServer(wanted)) return [];
  const { state, url } = await cpiServerState(wanted);
  const act = state === 'running' ? 'keep' : before ? 'start' : 'make';
  return [{ kind: 'CPI server', act, detail: url }];
}

/** Not of the host, but what `up` does last. */
async function director(
  wanted: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
): Promise<HostObject[]> {
  if (!hasDirector(wanted)) return [];
  const isGiven = before?.directorInputs !== undefined;
  const isSame = isGiven && wanted.boshDeploymentFolder !== undefined && (await hasItsInputs(wanted, before));
  const act = isSame ? 'keep' : isGiven ? 'change' : 'make';
  return [{ kind: 'director', act, detail: 'its configs and the stemcell of deployments' }];
}
