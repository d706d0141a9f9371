import { rm } from 'node:fs/promises';
import { UserError } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { isOnThisMachine } from '../choose-backend.ts';
import { environmentPaths } from '../paths.ts';
import { type EnvironmentRecord, requireRecord } from '../record.ts';
import { wakeHost } from '../session.ts';
import type { Caller, Step } from '../steps/step.ts';
import { decideHost, type HostRequest } from './decide-host.ts';
import { type HostRecord, keepHost, readHosts } from './hosts-record.ts';
import { invitationPath } from './invitation.ts';
import { faultOfServer, joinNetworks, layHostGround, layNearEnd } from './join-host.ts';
import { checkHostName } from './plan-host.ts';
import { serveHosts } from './serve-hosts.ts';
import { tellDirector } from './tell-director.ts';

interface AddWork {
  record?: EnvironmentRecord;
  host?: HostRecord;
}

export interface AddedHost {
  readonly host: HostRecord;
  /** The file with which the host has to join first; undefined: it is joined. */
  readonly invitation: string | undefined;
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
): Promise<AddedHost> {
  checkHostName(name);
  refuseProfile(await requireRecord(environment)); // before it has a lock
  await using _ = await takeLock(environmentPaths(environment).lock, 0, `boshvirt host add ${name}`);
  const work: AddWork = {};
  await caller.runSteps(stepsOfAdd(environment, name, request, caller), work);
  const host = required(work.host);
  return { host, invitation: host.phase === 'joined' ? undefined : invitationPath(environment, name) };
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
      work.host = await decideHost(work.record, name, request, caller.signal);
      say(work.host.kind === 'ssh' ? `${work.host.backend} at ${work.host.uri}` : work.host.tunnel.far);
    },
  },
  {
    title: 'Lay storage and network there',
    skip: ({ host }) => (host?.kind === 'served' ? 'the boshvirt there does' : undefined),
    async run(work, say) {
      const host = required(work.host);
      if (host.kind !== 'ssh') return;
      await keepHost(environment, await readHosts(environment), host); // from now on there is something to take away
      await layHostGround(host, caller);
      say(`network ${host.network.name}, pool ${host.pool.path}`);
    },
  },
  {
    title: 'Join the networks',
    async run(work, say) {
      const [record, host] = [required(work.record), required(work.host)];
      const { near, far, port } = host.tunnel;
      if (!(await isJoined(record, host, caller))) {
        say('this end of the tunnel is there; the host has to join');
        return;
      }
      say(`a tunnel between ${near} and ${far}, UDP port ${port}`);
      work.host = { ...host, phase: 'joined' };
      await keepHost(environment, await readHosts(environment), work.host);
      await rm(invitationPath(environment, name), { force: true }); // there is a key in it
    },
  },
  {
    title: 'Tell the director',
    skip: ({ host }) => (host?.phase === 'joined' ? undefined : 'first the host has to join'),
    async run(work, say) {
      const record = required(work.record);
      await serveHosts(record, caller);
      await tellDirector(record, caller, say);
    },
  },
];

/** false for one that serves its CPI itself and does not yet: then this end is there, for it to join. */
async function isJoined(record: EnvironmentRecord, host: HostRecord, caller: Caller): Promise<boolean> {
  if (host.kind === 'served' && host.phase === 'joining') {
    await layNearEnd(record, host);
    return (await faultOfServer(record, host, caller)) === undefined;
  }
  await joinNetworks(record, host, caller);
  return true;
}

/** A lite environment's VMs are containers in one machine, and a machine alone has none. */
function refuseProfile({ name, profile, uri, joined }: EnvironmentRecord): void {
  if (profile !== 'director' || joined !== undefined)
    throw new UserError(
      'USAGE',
      `Environment '${name}' is ${joined ? 'a share in another one' : `of profile ${profile}`}: only a director’s VMs can be on several hosts`,
      { hints: ['make one whose deployments are VMs: boshvirt up NAME --profile director'] },
    );
  if (isOnThisMachine(uri)) return;
  throw new UserError('UNSUPPORTED', `Environment '${name}' is itself on another machine (${uri})`, {
    hints: ['make the environment with the boshvirt of that machine, and add hosts there'],
  });
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a step of host add ran before the one that it stands on');
  return value;
}
