import type { Census, VmCid } from '../cpi/backend.ts';
import { messageChain } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { instanceName } from './ownership.ts';
import type { EnvironmentRecord } from './record.ts';
import { currentVm, hostRuns, openBackend } from './session.ts';

/** Names of a deployment's VMs that are told; of a large one the number says enough. */
const mostNames = 5;

/** What `down` deletes, in words: the machine, and what its director made beside it. */
export async function lossOfDown(record: EnvironmentRecord, log: Log): Promise<string> {
  const { network, profile } = record;
  const machine = profile === 'machine' ? 'the machine' : 'the director';
  const inside = profile === 'lite' ? ', all that is deployed in it' : '';
  const beside = profile === 'director' ? await madeByDirector(record, log) : '';
  return `${machine} at ${network.ip}${inside}, its disks and snapshots${beside}, network ${network.name}`;
}

async function madeByDirector(record: EnvironmentRecord, log: Log): Promise<string> {
  const unknown = ', all VMs and disks that it has made';
  if (!(await hostRuns(record))) return unknown;
  try {
    await using backend = await openBackend(record, log);
    return besides(await backend.ground.census(), await currentVm(record.name), record.name);
  } catch (error) {
    log.info(`what the director made cannot be listed: ${messageChain(error)}`);
    return unknown;
  }
}

/** What is there besides the machine and its disks, to be said after them; '' for nothing. */
export function besides(
  { vms, disks }: Pick<Census, 'vms' | 'disks'>,
  machine: VmCid | undefined,
  environment: string,
): string {
  const others = vms.filter(({ cid }) => cid !== machine);
  const theirs = disks.filter(({ attachedTo }) => attachedTo === undefined || attachedTo !== machine);
  if (others.length + theirs.length === 0) return '';
  const named = others.map(({ cid, metadata }) => instanceName(metadata, environment) ?? cid);
  const more = named.length > mostNames ? ', …' : '';
  const names = named.length === 0 ? '' : ` (${named.slice(0, mostNames).join(', ')}${more})`;
  const [vmCount, diskCount] = [count(others.length, 'VM'), count(theirs.length, 'disk')];
  return `, ${vmCount}${names} and ${diskCount} of its deployments`;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
