import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backend, SnapshotFacts, SnapshotStore, VmCid } from '../cpi/backend.ts';
import { errnoOf, UserError } from '../platform/errors.ts';
import { writeFileAtomic } from '../platform/files.ts';
import { takeLock } from '../platform/lock.ts';
import type { Log } from '../platform/log.ts';
import { Undo } from '../platform/undo.ts';
import { setClock } from './clock.ts';
import { agentOf } from './credentials.ts';
import { environmentPaths } from './paths.ts';
import { type EnvironmentRecord, requireRecord } from './record.ts';
import { openBackend, requireVm } from './session.ts';
import type { Caller } from './steps/step.ts';
import { readVarsStore } from './vars-store.ts';

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** What a snapshot keeps beside the VM: bosh's view of the world and the secrets that go with it. */
const keptFiles = ['state.json', 'creds.yml', 'env.yml', 'applied-configs.json'] as const;

/** A snapshot that was taken. */
export interface TakenSnapshot extends SnapshotFacts {
  /** VMs of the environment that are not in it: those that its director made. */
  readonly without: readonly VmCid[];
}

/** Takes a snapshot of the machine with its disks, and with its memory if it runs; state and credentials go along. */
export async function createSnapshot(name: string, snapshot: string, log: Log): Promise<TakenSnapshot> {
  if (!namePattern.test(snapshot)) {
    throw new UserError('USAGE', `'${snapshot}' cannot be the name of a snapshot`, {
      hints: ['use up to 64 letters, digits, dots, dashes and underscores'],
    });
  }
  return await withSnapshots(name, 'snapshot create', log, async ({ store, vm, ground }) => {
    await refuseTakenName(store, vm, snapshot); // before the undo is armed, which would delete the other one
    await readVarsStore(name); // they go along: without them nobody could use what is restored
    await using undo = new Undo(log);
    undo.defer('delete the snapshot', () => store.delete(vm, snapshot));
    const facts = await store.create(vm, snapshot);
    await keepFiles(name, snapshot);
    undo.keep();
    const others = (await ground.inventory()).vms.filter(({ cid }) => cid !== vm);
    return { ...facts, without: others.map(({ cid }) => cid) };
  });
}

async function refuseTakenName(store: SnapshotStore, vm: VmCid, snapshot: string): Promise<void> {
  if (!(await store.list(vm)).some((other) => other.name === snapshot)) return;
  throw new UserError('USAGE', `There is a snapshot '${snapshot}' already`, {
    hints: ['choose another name', `or delete that one: boshvirt snapshot delete -n ${snapshot}`],
  });
}

export async function listSnapshots(name: string, log: Log): Promise<SnapshotFacts[]> {
  const record = await requireRecord(name);
  await using backend = await openBackend(record, log);
  return await snapshotsOf(backend, record).list(await requireVm(name));
}

/**
 * Puts machine, disks, state and credentials back, after asking; waits until the agent answers if the machine ran then, and
 * sets its clock.
 */
export async function restoreSnapshot(name: string, snapshot: string, caller: Caller): Promise<void> {
  const { log, signal } = caller;
  await withSnapshots(name, 'snapshot restore', log, async ({ store, vm, record }) => {
    const { createdAt, withMemory } = await requireSnapshot({ store, vm, record }, snapshot);
    const question = `Restore '${snapshot}' of ${createdAt.toISOString()}: what happened in '${name}' since is lost. Go on?`;
    if (!(await caller.confirm(question, 'no'))) throw new UserError('DECLINED', 'Nothing was restored');
    await store.restore(vm, snapshot);
    await bringBackFiles(name, snapshot);
    if (!withMemory) return;
    await (await agentOf(record, log)).ping({ timeoutMs: 60_000, signal });
    await setClock(name, log, signal);
  });
}

export async function deleteSnapshot(name: string, snapshot: string, log: Log): Promise<void> {
  await withSnapshots(name, 'snapshot delete', log, async (work) => {
    await requireSnapshot(work, snapshot);
    await work.store.delete(work.vm, snapshot);
    await rm(join(environmentPaths(name).snapshots, snapshot), { recursive: true, force: true });
  });
}

interface SnapshotWork {
  readonly record: EnvironmentRecord;
  readonly store: SnapshotStore;
  readonly vm: VmCid;
  readonly ground: Backend['ground'];
}

async function requireSnapshot(
  { record, store, vm }: Pick<SnapshotWork, 'record' | 'store' | 'vm'>,
  snapshot: string,
): Promise<SnapshotFacts> {
  const known = await store.list(vm);
  const found = known.find((other) => other.name === snapshot);
  if (found) return found;
  const names = known.map((other) => other.name).join(', ');
  throw new UserError('USAGE', `Environment '${record.name}' has no snapshot '${snapshot}'`, {
    hints: [names ? `there are: ${names}` : 'it has none; boshvirt snapshot create takes one'],
  });
}

async function withSnapshots<T>(
  name: string,
  purpose: string,
  log: Log,
  act: (work: SnapshotWork) => Promise<T>,
): Promise<T> {
  const record = await requireRecord(name);
  await using _lock = await takeLock(environmentPaths(name).lock, 0, `boshvirt ${purpose} ${name}`);
  await using backend = await openBackend(record, log);
  const store = snapshotsOf(backend, record);
  return await act({ record, store, vm: await requireVm(name), ground: backend.ground });
}

function snapshotsOf(backend: Backend, record: EnvironmentRecord): SnapshotStore {
  if (backend.snapshots) return backend.snapshots;
  throw new UserError('UNSUPPORTED', `The backend ${record.backend} has no snapshots`);
}

async function keepFiles(name: string, snapshot: string): Promise<void> {
  const { folder, snapshots } = environmentPaths(name);
  const kept = join(snapshots, snapshot);
  await mkdir(kept, { recursive: true, mode: 0o700 });
  const there = await namesIn(folder); // without a director there are no configs
  for (const file of keptFiles.filter((each) => there.includes(each)))
    await copyFile(join(folder, file), join(kept, file));
}

/** Names of the snapshots that files are kept of. */
export async function keptSnapshots(name: string): Promise<string[]> {
  return await namesIn(environmentPaths(name).snapshots);
}

/** A snapshot made by other means (virsh) has no files: then those of today stay. */
async function bringBackFiles(name: string, snapshot: string): Promise<void> {
  const { folder, snapshots } = environmentPaths(name);
  const kept = join(snapshots, snapshot);
  const there = await namesIn(kept);
  for (const file of keptFiles.filter((each) => there.includes(each)))
    await writeFileAtomic(join(folder, file), await readFile(join(kept, file)));
}

/** Empty if there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
