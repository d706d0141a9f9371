import { isDeepStrictEqual } from 'node:util';
import type { VmCid } from '../cpi/backend.ts';
import { messageChain, UserError } from '../platform/errors.ts';
import { isThere } from '../platform/files.ts';
import { checkoutOf } from './checkouts/index.ts';
import { hasCpiCertificates } from './cpi-server/certificates.ts';
import { cpiServerState, needsCpiServer } from './cpi-server.ts';
import { agentOf } from './credentials.ts';
import { decideEnvironment } from './decide.ts';
import { deploySource } from './deploy.ts';
import { askDirector, directorInputs, hasDirector } from './director/index.ts';
import { fetchOptionsOf } from './fetch-options.ts';
import { tunnelsStand } from './hosts/join-host.ts';
import { digestInputs, requireFiles } from './inputs.ts';
import { knownStemcell } from './known-stemcell.ts';
import { environmentPaths } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import { currentVm, hostRuns, openBackend } from './session.ts';
import { stemcellIdentity } from './stemcell-identity.ts';
import type { Caller } from './steps/step.ts';
import type { UpOptions } from './up-job.ts';
import type { UpRequest } from './up-settings.ts';

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
  const wanted = await withSources(await decideEnvironment(before.name, request, before, before), caller);
  if (wanted === undefined) return 'remake'; // up has to fetch them first
  const cid = await currentVm(before.name);
  // nobody knows the machine any more, or can talk to it
  if (cid === undefined || !(await isThere(environmentPaths(before.name).credentials))) return 'remake';
  if (needsCpiServer(before) && !(await hasCpiCertificates(before.name))) return 'remake';
  if (wanted.engine !== before.engine || wanted.stemcell !== before.stemcell) return 'remake';
  if (wanted.agent?.sha256 !== before.agent?.sha256) return 'remake';
  if (before.inputs !== (await digestNow(wanted, options))) return 'remake';
  if (hasDirector(before) && !(await hasItsInputs(wanted, before))) return 'repair';
  return (await isWell(before, cid, caller)) ? 'none' : 'repair';
}

/** With a director: where its manifests lie now; undefined if they are not in the cache. */
export async function withSources(
  record: EnvironmentRecord,
  caller: Caller,
): Promise<EnvironmentRecord | undefined> {
  if (!hasDirector(record)) return record;
  const options = fetchOptionsOf({ offline: true }, caller);
  try {
    const ref = record.boshDeployment ?? 'pinned';
    return { ...record, boshDeploymentFolder: await checkoutOf('bosh-deployment', ref, options) };
  } catch (error) {
    if (error instanceof UserError && error.code === 'OFFLINE') return undefined;
    throw error;
  }
}

/** Whether the director was given all that it would be given now; a stemcell's file that is gone since changes nothing. */
export async function hasItsInputs(wanted: EnvironmentRecord, before: EnvironmentRecord): Promise<boolean> {
  if (before.directorInputs === undefined) return false;
  const now = await directorInputs(wanted);
  return now === undefined || now === before.directorInputs;
}

async function isWell(record: EnvironmentRecord, cid: VmCid, caller: Caller): Promise<boolean> {
  if (!(await hostRuns(record))) return false;
  try {
    await using backend = await openBackend(record, caller.log);
    const { vms, networkActive } = await backend.ground.inventory();
    if (!networkActive || !vms.some((vm) => vm.cid === cid && vm.state === 'running')) return false;
    await (await agentOf(record, caller.log)).ping({ timeoutMs: 2_000, signal: caller.signal });
    if (hasDirector(record)) await askDirector(record, caller.signal);
    if (!(await tunnelsStand(record))) return false;
    if (needsCpiServer(record)) return (await cpiServerState(record, caller.signal)).state === 'running';
    return true;
  } catch (error) {
    caller.signal.throwIfAborted();
    caller.log.info(`the environment is not as it should be: ${messageChain(error)}`);
    return false;
  }
}

/** The digest that create-env would have now, or undefined if the stemcell's file changed since. */
async function digestNow(record: EnvironmentRecord, options: UpOptions): Promise<string | undefined> {
  const stemcell = await knownStemcell(record);
  if (!stemcell || ('path' in stemcell && (await isAnother(stemcell, record)))) return undefined;
  const source = deploySource(record, stemcell, options.boshvirtCommand);
  if (hasDirector(record))
    await requireFiles('file of bosh-deployment', [source.manifestPath, ...source.opsFiles]);
  return await digestInputs(source);
}

/** A file that is gone, or that we built and the cache lost meanwhile, changes nothing for the machine. */
async function isAnother(
  file: { readonly path: string; readonly sha1: string },
  record: EnvironmentRecord,
): Promise<boolean> {
  if (record.stemcell === undefined || !(await isThere(file.path))) return false;
  return !isDeepStrictEqual(await stemcellIdentity(file), file);
}
