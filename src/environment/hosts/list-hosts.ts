import { reachesNeighbour } from '../../host/tunnel/index.ts';
import { messageOf } from '../../platform/errors.ts';
import { type EnvironmentRecord, requireRecord } from '../record.ts';
import { hostRuns, openBackend } from '../session.ts';
import type { Caller } from '../steps/step.ts';
import { nearPlaces } from './ends.ts';
import { type HostRecord, readHosts, type ServedHost, type SshHost } from './hosts-record.ts';
import { faultOfServer } from './join-host.ts';
import { openHost } from './open-host.ts';
import { firstHost } from './plan-host.ts';

/** How one of an environment's hosts is now. */
export interface HostStatus {
  readonly name: string;
  /**
   * joined: its libvirt answers and frames come through. apart: it answers, and none do. silent: it does not answer. incomplete: an
   * add or a remove did not finish.
   */
  readonly state: 'joined' | 'apart' | 'silent' | 'incomplete';
  /** Why, where the state needs a word. */
  readonly detail: string | undefined;
  /** Of a host that serves its CPI itself, its own affair. */
  readonly backend: string | undefined;
  /** Of its libvirt, or of the CPI that it serves. */
  readonly uri: string;
  /** The address that its tunnel ends at; undefined for the first host. */
  readonly address: string | undefined;
  /** CIDs of the environment's VMs on it; undefined where nobody here can tell. */
  readonly vms: readonly string[] | undefined;
}

type Worker = Pick<Caller, 'log' | 'signal'>;

/** All hosts of an environment, its own first. */
export async function listHosts(environment: string, caller: Worker): Promise<HostStatus[]> {
  const record = await requireRecord(environment);
  const { hosts } = await readHosts(environment);
  return await Promise.all([ownHost(record, caller), ...hosts.map((host) => statusOf(record, host, caller))]);
}

async function ownHost(record: EnvironmentRecord, { log, signal }: Worker): Promise<HostStatus> {
  const facts = { name: firstHost, backend: record.backend, uri: record.uri, address: undefined };
  try {
    await using backend = await openBackend(record, log);
    const { vms } = await backend.ground.inventory();
    return { ...facts, state: 'joined', detail: undefined, vms: vms.map(({ cid }) => cid) };
  } catch (error) {
    signal.throwIfAborted();
    return { ...facts, state: 'silent', detail: messageOf(error), vms: [] };
  }
}

async function statusOf(record: EnvironmentRecord, host: HostRecord, caller: Worker): Promise<HostStatus> {
  return host.kind === 'ssh'
    ? await statusOfSshHost(record, host, caller)
    : await statusOfServedHost(record, host, caller);
}

async function statusOfSshHost(
  record: EnvironmentRecord,
  host: SshHost,
  caller: Worker,
): Promise<HostStatus> {
  const { name, backend, uri, tunnel } = host;
  const facts = { name, backend, uri, address: tunnel.far };
  try {
    await using opened = await openHost(host, caller.log);
    const vms = (await opened.ground.inventory()).vms.map(({ cid }) => cid);
    return { ...facts, ...(await wayTo(record, host, caller)), vms };
  } catch (error) {
    caller.signal.throwIfAborted();
    return { ...facts, state: 'silent', detail: messageOf(error), vms: [] };
  }
}

/** What VMs are there only the machine itself knows, and the director. */
async function statusOfServedHost(
  record: EnvironmentRecord,
  host: ServedHost,
  caller: Worker,
): Promise<HostStatus> {
  const { name, served, tunnel } = host;
  const facts = { name, backend: undefined, uri: served.url, address: tunnel.far, vms: undefined };
  const way = await wayTo(record, host, caller);
  if (way.state !== 'joined') return { ...facts, ...way };
  const fault = await faultOfServer(record, host, caller);
  return fault === undefined ? { ...facts, ...way } : { ...facts, state: 'silent', detail: fault };
}

async function wayTo(
  record: EnvironmentRecord,
  { phase, tunnel, name }: HostRecord,
  { signal }: Worker,
): Promise<Pick<HostStatus, 'state' | 'detail'>> {
  if (phase !== 'joined') {
    const verb = phase === 'joining' ? 'add' : 'remove';
    return { state: 'incomplete', detail: `host ${verb} did not finish; run it again` };
  }
  if (!(await hostRuns(record))) return { state: 'apart', detail: 'the private libvirt host here is down' };
  const { bridges, netnsPath } = await nearPlaces(record);
  const place = { prefix: bridges.prefix, netnsPath };
  if (await reachesNeighbour(place, record.network.bridge, tunnel.probe.far, signal))
    return { state: 'joined', detail: undefined };
  return { state: 'apart', detail: `nothing comes through the tunnel; boshvirt host add ${name} mends it` };
}
