import { isDeepStrictEqual } from 'node:util';
import type { VmCid } from '../cpi/backend.ts';
import { messageChain } from '../platform/errors.ts';
import { isThere } from '../platform/files.ts';
import { agentOf } from './credentials.ts';
import { decideEnvironment } from './decide.ts';
import { deploySource } from './deploy.ts';
import { digestInputs } from './inputs.ts';
import { environmentPaths } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import { currentVm, hostRuns, openBackend } from './session.ts';
import { stemcellIdentity } from './stemcell-identity.ts';
import type { Caller } from './steps/step.ts';
import type { UpRequest } from './up-settings.ts';
import type { UpOptions } from './up-steps.ts';

/** How far an environment is from what is asked for. */
export type Distance = 'none' | 'repair' | 'remake';

/** Compares with what create-env was done with, and asks hypervisor and agent whether that still stands. */
export async function distance(
  before: EnvironmentRecord,
  request: UpRequest,
  options: UpOptions,
  caller: Caller,
): Promise<Distance> {
  if (options.recreate || options.adoptDisk !== undefined || before.phase !== 'up') return 'remake';
  const wanted = await decideEnvironment(before.name, request, before, before);
  const cid = await currentVm(before.name);
  // nobody knows the machine any more, or can talk to it
  if (cid === undefined || !(await isThere(environmentPaths(before.name).credentials))) return 'remake';
  if (wanted.engine !== before.engine || wanted.stemcell !== before.stemcell) return 'remake';
  if (wanted.agent?.sha256 !== before.agent?.sha256) return 'remake';
  if (before.inputs !== (await digestNow(wanted, options))) return 'remake';
  return (await isWell(before, cid, caller)) ? 'none' : 'repair';
}

async function isWell(record: EnvironmentRecord, cid: VmCid, caller: Caller): Promise<boolean> {
  if (!(await hostRuns(record))) return false;
  try {
    await using backend = await openBackend(record, caller.log);
    const { vms, networkActive } = await backend.ground.inventory();
    if (!networkActive || !vms.some((vm) => vm.cid === cid && vm.state === 'running')) return false;
    await (await agentOf(record, caller.log)).ping({ timeoutMs: 2_000, signal: caller.signal });
    return true;
  } catch (error) {
    caller.signal.throwIfAborted();
    caller.log.info(`the environment is not as it should be: ${messageChain(error)}`);
    return false;
  }
}

/** The digest that create-env would have now, or undefined if the stemcell's file changed since. */
async function digestNow(record: EnvironmentRecord, options: UpOptions): Promise<string | undefined> {
  const { stemcellFile: file } = record;
  if (!file || (await isAnother(file, record))) return undefined;
  return await digestInputs(deploySource(record, file, options.boshvirtCommand));
}

/** A file that is gone, or that we built and the cache lost meanwhile, changes nothing for the machine. */
async function isAnother(
  file: NonNullable<EnvironmentRecord['stemcellFile']>,
  record: EnvironmentRecord,
): Promise<boolean> {
  if (record.stemcell === undefined || !(await isThere(file.path))) return false;
  return !isDeepStrictEqual(await stemcellIdentity(file), file);
}
