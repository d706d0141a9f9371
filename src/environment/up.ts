import { rm } from 'node:fs/promises';
import { BugError } from '../platform/errors.ts';
import { isThere } from '../platform/files.ts';
import { type Lock, takeLock } from '../platform/lock.ts';
import { requireDisk } from './adopt-disk.ts';
import { approveLoss } from './approve-loss.ts';
import { chooseBackend, isOnThisMachine, refuseObstacles } from './choose-backend.ts';
import { distance } from './distance.ts';
import { approve } from './doctor.ts';
import { lostDisks, lostDiskWords } from './lost-disks.ts';
import { neededPackages } from './needed-packages.ts';
import { environmentPaths } from './paths.ts';
import { type EnvironmentRecord, readRecord } from './record.ts';
import { hostRuns, openBackend } from './session.ts';
import type { Caller } from './steps/step.ts';
import type { UpOptions } from './up-job.ts';
import { refuseSenseless, refuseUnfit } from './up-request.ts';
import type { UpRequest } from './up-settings.ts';
import { stepsOfUp } from './up-steps.ts';

export interface UpOutcome {
  readonly record: EnvironmentRecord;
  /** false: it was as asked, and nothing was done. */
  readonly changed: boolean;
}

/**
 * Brings the environment up, whatever stands of it: nothing, a half, all. Each step finds what an earlier, killed run left
 * and goes on from there. A second `up` of the same environment at the same time is refused (LOCKED).
 */
export async function up(
  name: string,
  request: UpRequest,
  options: UpOptions,
  caller: Caller,
): Promise<UpOutcome> {
  refuseSenseless(name, request);
  await using lock = await takeLock(environmentPaths(name).lock, 0, `boshvirt up ${name}`);
  try {
    return await upLocked(name, request, options, lock, caller);
  } finally {
    // an up that was refused leaves nothing, not even its lock
    if (!(await isThere(environmentPaths(name).folder))) await rm(lock.path, { force: true });
  }
}

async function upLocked(
  name: string,
  request: UpRequest,
  options: UpOptions,
  lock: Lock,
  caller: Caller,
): Promise<UpOutcome> {
  const before = await readRecord(name);
  await refuseUnfit(request, before);
  if (before && options.adoptDisk !== undefined) await refuseMissingDisk(before, options.adoptDisk, caller);
  const far = before && (await distance(before, request, options, caller));
  if (before && far === 'none') return { record: before, changed: false };
  if (before && far === 'remake') await approveLoss(before, caller);
  const backend = await chooseBackend(request, before);
  if (!before && isOnThisMachine(request.uri ?? '')) await refuseObstacles(backend.module);
  const missing = await neededPackages(backend.module, request, before);
  if (missing.length > 0) await approve(missing, caller);
  await caller.runSteps(stepsOfUp({ name, request, options, before, backend, missing, lock, caller }), {});
  const record = await readRecord(name);
  if (!record) throw new BugError(`environment '${name}' has no record after its steps`);
  await tellOfLostDisks(record, caller);
  return { record, changed: true };
}

/** Before anything is changed; where the host is down it is looked for later. */
async function refuseMissingDisk(record: EnvironmentRecord, cid: string, { log }: Caller): Promise<void> {
  if (!(await hostRuns(record))) return;
  await using backend = await openBackend(record, log);
  await requireDisk(backend.ground, record.name, cid);
}

/** As after a loss of bosh's state, which makes a machine with an empty disk: the old one is there still. */
async function tellOfLostDisks(record: EnvironmentRecord, { log, tell }: Caller): Promise<void> {
  await using backend = await openBackend(record, log);
  for (const disk of await lostDisks(backend, record.name)) tell(lostDiskWords(disk, record.name));
}
