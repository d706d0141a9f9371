import { rm } from 'node:fs/promises';
import { messageOf, UserError } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { instanceName } from '../ownership.ts';
import { environmentPaths } from '../paths.ts';
import { type EnvironmentRecord, requireRecord } from '../record.ts';
import { hostRuns } from '../session.ts';
import type { Caller, Step } from '../steps/step.ts';
import { type HostRecord, keepHost, readHosts, type SshHost, writeHosts } from './hosts-record.ts';
import { invitationPath } from './invitation.ts';
import { partFarEnd, partNearEnd } from './join-host.ts';
import { openHost } from './open-host.ts';
import { serveHosts } from './serve-hosts.ts';
import { tellDirector, vmsInZonesOf } from './tell-director.ts';

export interface RemoveOptions {
  /** Delete VMs and disks that are on it; if it does not answer, forget it with all that is there. */
  readonly force: boolean;
}

/**
 * Takes a host from an environment with all that the environment has there. Run again after a kill it finishes. Throws a UserError that
 * names them while VMs, disks or snapshots are on it, HYPERVISOR if it does not answer; neither with `force`.
 */
export async function removeHost(
  environment: string,
  name: string,
  options: RemoveOptions,
  caller: Caller,
): Promise<HostRecord> {
  const record = await requireRecord(environment);
  await using _ = await takeLock(environmentPaths(environment).lock, 0, `boshvirt host remove ${name}`);
  const host = await requireHost(environment, name);
  await caller.runSteps(stepsOfRemove(record, host, options, caller), {});
  return host;
}

async function requireHost(environment: string, name: string): Promise<HostRecord> {
  const { hosts } = await readHosts(environment);
  const found = hosts.find((host) => host.name === name);
  if (found) return found;
  const others = hosts.map((host) => host.name).join(', ');
  throw new UserError('USAGE', `Environment '${environment}' has no host '${name}'`, {
    hints: [others === '' ? 'it has none besides its own' : `it has: ${others}`],
  });
}

const stepsOfRemove = (
  record: EnvironmentRecord,
  host: HostRecord,
  { force }: RemoveOptions,
  caller: Caller,
): Step<object>[] => [
  {
    title: 'Look what is on the host',
    async run(_, say) {
      if (force) return say('whatever is there goes with it');
      await refuseUsed(record, host, caller);
    },
  },
  {
    title: 'Tell the director',
    async run(_, say) {
      await keepHost(record.name, await readHosts(record.name), { ...host, phase: 'leaving' });
      await tellDirector(record, caller, say);
    },
  },
  {
    title: 'Part the networks, remove storage and network there',
    run: async (_, say) => await leaveHost(record, host, force, caller, say),
  },
  {
    title: 'Forget the host',
    async run() {
      const { hosts, ...rest } = await readHosts(record.name);
      await writeHosts(record.name, { ...rest, hosts: hosts.filter(({ name }) => name !== host.name) });
      await serveHosts(record, caller);
    },
  },
];

/** Takes all of the environment's hosts away, for its end. One that does not answer has to be forgotten first. */
export async function leaveHosts(
  record: EnvironmentRecord,
  caller: Pick<Caller, 'log'>,
  say: (line: string) => void,
): Promise<void> {
  for (const host of (await readHosts(record.name)).hosts) {
    await leaveHost(record, host, false, caller, say);
    const { hosts, ...rest } = await readHosts(record.name);
    await writeHosts(record.name, { ...rest, hosts: hosts.filter(({ name }) => name !== host.name) });
    say(`host ${host.name} has nothing of it any more`);
  }
}

/** On a host that serves its CPI itself what is left is for the boshvirt there. */
async function leaveHost(
  record: EnvironmentRecord,
  host: HostRecord,
  force: boolean,
  { log }: Pick<Caller, 'log'>,
  say: (line: string) => void,
): Promise<void> {
  if (await hostRuns(record)) await partNearEnd(record, host); // with a private host that is down it is gone
  if (host.kind === 'served') {
    await rm(invitationPath(record.name, host.name), { force: true });
    say(`on ${host.tunnel.far}: boshvirt down ${host.environment} deletes what is there`);
    return;
  }
  try {
    await partFarEnd(host);
    await using backend = await openHost(host, log);
    await backend.ground.clear();
  } catch (error) {
    if (!force) throw unreachable(record.name, host, error);
    say(
      `left there, since it cannot be removed: network ${host.network.name}, pool ${host.pool.path}: ${messageOf(error)}`,
    );
  }
}

const unreachable = (environment: string, { name, uri }: SshHost, cause: unknown): UserError =>
  new UserError(
    'HYPERVISOR',
    `What the environment has on host '${name}' (${uri}) cannot be removed: ${messageOf(cause)}`,
    {
      cause,
      hints: [
        'run the same command again when it answers',
        `or forget it with all that is there: boshvirt host remove ${name} --env ${environment} --force`,
      ],
    },
  );

async function refuseUsed(record: EnvironmentRecord, host: HostRecord, caller: Caller): Promise<void> {
  const users =
    host.kind === 'ssh'
      ? await usersOf(record.name, host, caller)
      : await vmsInZonesOf(record, host.name, caller);
  if (users.length === 0) return;
  throw new UserError('USAGE', `Host '${host.name}' is in use: ${users.join(', ')}`, {
    hints: [
      'move the deployments away: give their instance groups other azs and deploy, then bosh clean-up --all deletes lost disks',
      '--force deletes all of it',
    ],
  });
}

/** VMs, disks and snapshots are somebody's; stemcells are not. */
async function usersOf(environment: string, host: SshHost, { log }: Caller): Promise<string[]> {
  try {
    await using backend = await openHost(host, log);
    const { vms, disks, snapshots } = await backend.ground.census();
    return [
      ...vms.map(({ cid, metadata }) =>
        [instanceName(metadata, host.environment), cid].filter(Boolean).join(' '),
      ),
      ...disks.map(({ cid }) => cid),
      ...snapshots.map(({ cid }) => cid),
    ];
  } catch (error) {
    throw unreachable(environment, host, error);
  }
}
