import type { BackendModule } from '../../cpi/backend.ts';
import { findLibvirt } from '../../host/libvirt-service.ts';
import { cpuinfoOf, machineAt, wayOf } from '../../host/machine.ts';
import { findWay } from '../../host/tunnel/index.ts';
import { UserError } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { allBackends, isOnThisMachine } from '../choose-backend.ts';
import { environmentPaths } from '../paths.ts';
import { type EnvironmentRecord, requireRecord } from '../record.ts';
import { wakeHost } from '../session.ts';
import type { Caller, Step } from '../steps/step.ts';
import { nearPlaces } from './ends.ts';
import { type HostRecord, keepHost, readHosts } from './hosts-record.ts';
import { joinNetworks, layHostGround } from './join-host.ts';
import { checkHostName, planHost } from './plan-host.ts';
import { serveHosts } from './serve-hosts.ts';
import { tellDirector } from './tell-director.ts';

export interface HostRequest {
  /** Required for a host that is not there yet. */
  readonly uri?: string | undefined;
  /** An IPv4 address of the host for the tunnel, instead of the one that ssh comes to. */
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

const usualPort = 4789; // VXLAN's own (IANA)

interface AddWork {
  record?: EnvironmentRecord;
  host?: HostRecord;
}

/**
 * Gives an environment another host, or repairs what it has there. Each step finds what an earlier, killed run left. Throws a
 * UserError for an environment without VMs of a director's, a host that cannot be, or a way that nothing comes through.
 */
export async function addHost(
  environment: string,
  name: string,
  request: HostRequest,
  caller: Caller,
): Promise<HostRecord> {
  checkHostName(name);
  await using _ = await takeLock(environmentPaths(environment).lock, 0, `boshvirt host add ${name}`);
  const work: AddWork = {};
  await caller.runSteps(stepsOfAdd(environment, name, request, caller), work);
  return required(work.host);
}

const stepsOfAdd = (
  environment: string,
  name: string,
  request: HostRequest,
  caller: Caller,
): Step<AddWork>[] => [
  {
    title: 'Reach the host',
    async run(work, say) {
      work.record = await requireRecord(environment);
      refuseProfile(work.record);
      await wakeHost(work.record, caller.log, caller.signal);
      work.host = await decideHost(work.record, name, request, caller);
      say(`${work.host.backend} at ${work.host.uri}`);
    },
  },
  {
    title: 'Lay storage and network there',
    async run(work, say) {
      const host = required(work.host);
      await keepHost(environment, await readHosts(environment), host); // from now on there is something to take away
      await layHostGround(host, caller);
      say(`network ${host.network.name}, pool ${host.pool.path}`);
    },
  },
  {
    title: 'Join the networks',
    async run(work, say) {
      const { tunnel } = required(work.host);
      await joinNetworks(required(work.record), required(work.host), caller);
      say(`a tunnel between ${tunnel.near} and ${tunnel.far}, UDP port ${tunnel.port}`);
      work.host = { ...required(work.host), phase: 'joined' };
      await keepHost(environment, await readHosts(environment), work.host);
    },
  },
  {
    title: 'Tell the director',
    async run(work, say) {
      const record = required(work.record);
      await serveHosts(record, caller);
      await tellDirector(record, caller, say);
    },
  },
];

/** A lite environment's VMs are containers in one machine, and a machine alone has none. */
function refuseProfile({ name, profile, uri }: EnvironmentRecord): void {
  if (profile !== 'director')
    throw new UserError(
      'USAGE',
      `Environment '${name}' is of profile ${profile}: only a director’s VMs can be on several hosts`,
      { hints: ['make one whose deployments are VMs: boshvirt up NAME --profile director'] },
    );
  if (isOnThisMachine(uri)) return;
  throw new UserError('UNSUPPORTED', `Environment '${name}' is itself on another machine (${uri})`, {
    hints: ['make the environment with the boshvirt of that machine, and add hosts there'],
  });
}

/** What is known of it already stays. */
async function decideHost(
  record: EnvironmentRecord,
  name: string,
  { uri, address, port }: HostRequest,
  { signal }: Caller,
): Promise<HostRecord> {
  const hosts = await readHosts(record.name);
  const before = hosts.hosts.find((host) => host.name === name);
  if (before) {
    refuseMove(before, { uri, address, port });
    return before;
  }
  if (uri === undefined)
    throw new UserError('USAGE', `There is no host '${name}' yet, and nothing says where it is`, {
      hints: ['name its libvirt: --uri qemu+ssh://root@HOST/system'],
    });
  const module = await backendFor(uri);
  await findLibvirt(uri, { driver: '', signal });
  const machine = machineAt(uri);
  const way = await findWay(machine, address, await nearPlaces(record));
  const options = ((await module.optionsElsewhere?.(await cpuinfoOf(machine))) ??
    {}) as HostRecord['options'];
  return planHost(record.name, hosts.id, {
    name,
    uri,
    backend: module.name,
    options,
    port: port ?? usualPort,
    ...way,
  });
}

/** The backend that works on a libvirt that ssh leads to. */
async function backendFor(uri: string): Promise<BackendModule> {
  const { driver, bySsh } = wayOf(uri);
  if (!bySsh)
    throw new UserError('USAGE', `${uri} leads to no other machine`, {
      hints: ['a host is reached by ssh: --uri qemu+ssh://root@HOST/system'],
    });
  const backends = await allBackends();
  const found = backends.find(({ drivers, remote }) => remote && drivers.includes(driver));
  if (found) return found;
  const able = backends.filter(({ remote }) => remote).flatMap(({ drivers }) => drivers);
  throw new UserError('UNSUPPORTED', `boshvirt works with libvirt's ${driver} on its own machine alone`, {
    hints: [`on other hosts it works with: ${able.join(', ')}`],
  });
}

function refuseMove(host: HostRecord, { uri, address, port }: HostRequest): void {
  const moves = [
    ['--uri', uri, host.uri],
    ['--address', address, host.tunnel.far],
    ['--tunnel-port', port, host.tunnel.port],
  ] as const;
  for (const [flag, asked, there] of moves) {
    if (asked === undefined || asked === there) continue;
    throw new UserError(
      'USAGE',
      `Host '${host.name}' was added with ${flag} ${there}; it cannot become ${asked}`,
      {
        hints: [`boshvirt host remove ${host.name}, then add it again`, 'or give the new host another name'],
      },
    );
  }
  if (host.phase !== 'leaving') return;
  throw new UserError('USAGE', `Host '${host.name}' is being removed`, {
    hints: [`boshvirt host remove ${host.name} ends that; then add it again`],
  });
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a step of host add ran before the one that it stands on');
  return value;
}
