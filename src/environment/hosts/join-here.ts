import { mkdir, rm } from 'node:fs/promises';
import { stringify } from 'yaml';
import { layTunnelEnd, removeTunnelEnd, sourceOf } from '../../host/tunnel/index.ts';
import { UserError } from '../../platform/errors.ts';
import { isThere, writeFileAtomic } from '../../platform/files.ts';
import { takeLock } from '../../platform/lock.ts';
import { chooseBackend, refuseObstacles } from '../choose-backend.ts';
import { chooseHost } from '../choose-host.ts';
import { startCpiServer } from '../cpi-server.ts';
import { poolPath } from '../decide.ts';
import { objectNames } from '../network-plan.ts';
import { checkEnvironmentName, environmentPaths } from '../paths.ts';
import { type EnvironmentRecord, readRecord, writeRecord } from '../record.ts';
import { whileNoneComesOrGoes } from '../register.ts';
import { hostRuns, openBackend, wakeHost } from '../session.ts';
import type { Caller, Step } from '../steps/step.ts';
import { joinedEnd, nearPlaces } from './ends.ts';
import { type Invitation, readInvitation } from './invitation.ts';

export interface JoinRequest {
  readonly backend?: string | undefined;
  readonly uri?: string | undefined;
}

interface JoinWork {
  record?: EnvironmentRecord;
}

/**
 * Makes this machine a host of another machine's environment: storage, a bridge, this end of the tunnel, and the CPI served at it.
 * Run again it repairs. Throws a UserError for what is no invitation, or one to another machine.
 */
export async function joinHere(
  path: string,
  request: JoinRequest,
  caller: Caller,
): Promise<EnvironmentRecord> {
  const invitation = await readInvitation(path);
  const { environment: name } = invitation;
  checkEnvironmentName(name);
  const { lock: lockPath, folder } = environmentPaths(name);
  await using lock = await takeLock(lockPath, 0, `boshvirt host join ${name}`);
  try {
    return await joinLocked(invitation, request, caller);
  } finally {
    if (!(await isThere(folder))) await rm(lock.path, { force: true }); // a join that was refused leaves nothing
  }
}

async function joinLocked(
  invitation: Invitation,
  request: JoinRequest,
  caller: Caller,
): Promise<EnvironmentRecord> {
  const before = await readRecord(invitation.environment);
  if (before && !before.joined) refuseOwn(before);
  const work: JoinWork = {};
  const decide: Step<JoinWork> = {
    title: 'Find libvirt',
    async run(_, say) {
      work.record = await decideShare(invitation, request, before, caller);
      say(`${work.record.backend} at ${work.record.uri}`);
      await begin(work.record, invitation);
    },
  };
  await caller.runSteps([decide, ...stepsOfShare(() => required(work.record), caller)], work);
  return required(work.record);
}

/** Brings this machine's share in another one's environment back, whatever stands of it. */
export const stepsOfShare = (record: () => EnvironmentRecord, caller: Caller): Step<object>[] => [
  {
    title: 'Lay storage and network',
    async run(_, say) {
      const { pool, network } = record();
      await wakeHost(record(), caller.log, caller.signal);
      await using backend = await openBackend(record(), caller.log);
      await backend.ground.prepareJoined({ poolPath: pool.path, bridge: network.bridge });
      for (const { advice } of await backend.ground.revive()) if (advice !== undefined) caller.tell(advice);
      say(`network ${network.name}, pool ${pool.path}`);
    },
  },
  {
    title: 'Join the networks',
    async run(_, say) {
      const { tunnel } = required(record().joined);
      await layTunnelEnd(joinedEnd(record(), required(record().joined), await nearPlaces(record())));
      say(`a tunnel between ${tunnel.far} and ${tunnel.near}, UDP port ${tunnel.port}`);
    },
  },
  {
    title: 'Serve the CPI',
    run: async (_, say) => say((await startCpiServer(record(), caller)).url),
  },
];

/** Takes this end of the tunnel away. Idempotent. */
export async function partHere(record: EnvironmentRecord): Promise<void> {
  if (record.joined) await removeTunnelEnd(joinedEnd(record, record.joined, await nearPlaces(record)));
}

async function decideShare(
  { environment: name, tunnel }: Invitation,
  request: JoinRequest,
  before: EnvironmentRecord | undefined,
  caller: Caller,
): Promise<EnvironmentRecord> {
  const { module } = await chooseBackend(request, before);
  if (!before) await refuseObstacles(module);
  const chosen = await chooseHost(module, request, before, caller.signal);
  const { network, pool, bridge } = objectNames(name);
  const { probe } = tunnel;
  return {
    ...{ version: 1, name, profile: 'director', engine: 'builtin', backend: chosen.backend },
    ...{ uri: chosen.uri, host: chosen.host, phase: 'up' },
    network: { name: network, bridge, cidr: `${probe.far}/30`, gateway: probe.far, ip: probe.near },
    pool: before?.pool ?? { name: pool, path: poolPath(pool, chosen) },
    resources: { cpus: 0, memoryMb: 0, ephemeralDiskMb: 0, persistentDiskMb: 0 },
    joined: { tunnel, underlay: await underlayHere(chosen, tunnel) },
    ...{ ops: [], varsFiles: [], vars: {} },
  };
}

async function underlayHere(
  chosen: Pick<EnvironmentRecord, 'host'>,
  { near, far }: Invitation['tunnel'],
): Promise<NonNullable<EnvironmentRecord['joined']>['underlay']> {
  const { machine, bridges } = await nearPlaces(chosen);
  const here = { machine, bridges: (await hostRuns(chosen)) ? bridges : machine }; // a new one's has no way anywhere
  const { near: own, underlay } = await sourceOf(near, here);
  if (own === far) return underlay;
  throw new UserError(
    'USAGE',
    `The invitation is for a machine at ${far}, and this one reaches ${near} from ${own ?? 'nowhere'}`,
    {
      hints: [
        'run it on that machine',
        `or, on the environment's: boshvirt host remove, and host add with --address ${own ?? 'IP'}`,
      ],
    },
  );
}

function refuseOwn({ name }: EnvironmentRecord): never {
  throw new UserError('USAGE', `This machine has an environment '${name}' of its own`, {
    hints: [`boshvirt down ${name} deletes it; or let the other machine invite this one anew`],
  });
}

/** From now on there is something that `down` finds. */
async function begin(record: EnvironmentRecord, { credentials }: Invitation): Promise<void> {
  const { name } = record;
  await whileNoneComesOrGoes(`boshvirt host join ${name}`, async () => {
    await mkdir(environmentPaths(name).folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(environmentPaths(name).credentials, stringify(credentials));
    await writeRecord(record);
  });
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a step of host join ran before the one that it stands on');
  return value;
}
