import type { PowerState } from '../cpi/backend.ts';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { type CpiServerState, cpiServerState, needsCpiServer } from './cpi-server.ts';
import { agentOf } from './credentials.ts';
import { directorTrouble } from './director/index.ts';
import { lostDisks } from './lost-disks.ts';
import { type EnvironmentRecord, environmentNames, readRecord, requireRecord } from './record.ts';
import { currentVm, hostRuns, openBackend } from './session.ts';

/** How an environment is, as the hypervisor and the agent tell it now. */
export interface EnvironmentStatus {
  readonly name: string;
  /** running: the agent answers. unwell: the machine runs, the agent is silent. unknown: the hypervisor cannot be asked. */
  readonly state: 'running' | 'unwell' | 'paused' | 'suspended' | 'stopped' | 'incomplete' | 'unknown';
  /** Why, where the state needs a word. */
  readonly detail: string | undefined;
  readonly backend: string;
  readonly profile: string;
  readonly engine: string;
  readonly uri: string;
  readonly host: string;
  readonly ip: string;
  readonly network: string;
  readonly vm: string | undefined;
  readonly disks: readonly string[];
  /** CIDs of persistent disks that nobody has any more. */
  readonly lostDisks: readonly string[];
  readonly resources: EnvironmentRecord['resources'];
  readonly accelerator: string | undefined;
  /** lite: where containers are, and the domain whose names lead there. */
  readonly workload: EnvironmentRecord['workload'];
  /** What serves the CPI to the environment's director; undefined where nothing has to. */
  readonly cpiServer: CpiServerState | undefined;
}

export async function status(name: string, log: Log, signal: AbortSignal): Promise<EnvironmentStatus> {
  return await statusOf(await requireRecord(name), log, signal);
}

/** An environment whose own record cannot be read. */
export interface DamagedEnvironment {
  readonly name: string;
  readonly state: 'damaged';
  readonly detail: string;
}

/** All environments of this user, by name. */
export async function list(
  log: Log,
  signal: AbortSignal,
): Promise<(EnvironmentStatus | DamagedEnvironment)[]> {
  const names = (await environmentNames()).sort();
  const found = await Promise.all(names.map((name) => statusIfThere(name, log, signal)));
  return found.filter((each) => each !== undefined);
}

/** undefined for a folder without a record, which a killed `down` may leave. */
async function statusIfThere(name: string, log: Log, signal: AbortSignal) {
  try {
    const record = await readRecord(name);
    return record && (await statusOf(record, log, signal));
  } catch (error) {
    signal.throwIfAborted();
    return { name, state: 'damaged', detail: messageOf(error) } as const;
  }
}

async function statusOf(
  record: EnvironmentRecord,
  log: Log,
  signal: AbortSignal,
): Promise<EnvironmentStatus> {
  const facts = {
    name: record.name,
    backend: record.backend,
    profile: record.profile,
    engine: record.engine,
    uri: record.uri,
    host: record.host,
    ip: record.network.ip,
    network: record.network.cidr,
    resources: record.resources,
    vm: await currentVm(record.name),
    workload: record.workload,
    cpiServer: needsCpiServer(record) ? await cpiServerState(record, signal) : undefined,
  };
  const unseen = { disks: [], lostDisks: [], accelerator: undefined };
  if (!(await hostRuns(record))) {
    return {
      ...facts,
      ...unseen,
      state: 'stopped',
      detail: 'the private libvirt host is down; boshvirt up starts it',
    };
  }
  try {
    await using backend = await openBackend(record, log);
    const [{ vms }, accelerator, lost] = await Promise.all([
      backend.ground.inventory(),
      backend.ground.accelerator(),
      lostDisks(backend, record.name),
    ]);
    const vm = vms.find((other) => other.cid === facts.vm);
    const { state, detail } = await stateOf(record, vm?.state, log, signal);
    const disks = { disks: vm?.disks ?? [], lostDisks: lost.map(({ cid }) => cid) };
    return { ...facts, state, detail, ...disks, accelerator };
  } catch (error) {
    signal.throwIfAborted();
    return { ...facts, ...unseen, state: 'unknown', detail: messageOf(error) };
  }
}

/** This machine's share in another one's environment: the CPI that it serves. */
async function stateOfShare(
  record: EnvironmentRecord,
  signal: AbortSignal,
): Promise<Pick<EnvironmentStatus, 'state' | 'detail'>> {
  const { state, url } = await cpiServerState(record, signal);
  if (state === 'running')
    return { state, detail: `a host of the environment at ${record.joined?.tunnel.near}` };
  return {
    state: 'stopped',
    detail: `no CPI is served at ${url}; boshvirt recover ${record.name} brings it back`,
  };
}

async function stateOf(
  record: EnvironmentRecord,
  power: PowerState | undefined,
  log: Log,
  signal: AbortSignal,
): Promise<Pick<EnvironmentStatus, 'state' | 'detail'>> {
  if (record.phase === 'deleting')
    return { state: 'incomplete', detail: 'down did not finish; run it again' };
  if (record.phase === 'preparing' && power === undefined)
    return { state: 'incomplete', detail: 'up did not finish; run it again' };
  if (record.joined) return await stateOfShare(record, signal);
  if (power === undefined)
    return { state: 'incomplete', detail: 'there is no machine; boshvirt up makes it' };
  if (power === 'off') return { state: 'stopped', detail: 'boshvirt up starts it' };
  if (power === 'suspended') {
    const detail = `its memory is on the disk; boshvirt resume ${record.name} goes on from there`;
    return { state: 'suspended', detail };
  }
  if (power === 'paused') return { state: 'paused', detail: 'boshvirt up resumes it' };
  try {
    await (await agentOf(record, log)).ping({ timeoutMs: 2_000, signal });
  } catch (error) {
    signal.throwIfAborted();
    return { state: 'unwell', detail: `the agent does not answer: ${messageOf(error)}` };
  }
  return (await directorTrouble(record, signal)) ?? { state: 'running', detail: undefined };
}
