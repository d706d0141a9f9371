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
    const { vms, disks } = await backend.ground.census();
    const machine = await currentVm(record.name);
    const others = vms.filter(({ cid }) => cid !== machine);
    const theirs = disks.filter(({ attachedTo }) => attachedTo === undefined || attachedTo !== machine);
    if (others.length + theirs.length === 0) return '';
    const names = others
      .slice(0, mostNames)
      .map(({ cid, metadata }) => instanceName(metadata, record.name) ?? cid);
    const more = others.length > mostNames ? ', …' : '';
    return `, ${others.length} VMs (${names.join(', ')}${more}) and ${theirs.length} disks of its deployments`;
  } catch (error) {
    log.info(`what the director made cannot be listed: ${messageChain(error)}`);
    return unknown;
  }
}
