import { mkdir, rm, stat } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Backend, VmCid } from '../cpi/backend.ts';
import { installPackages, missingPackages } from '../host/findings/index.ts';
import { findLibvirt } from '../host/libvirt-service.ts';
import { privateHostNames, startPrivateHost } from '../host/private-host/index.ts';
import { messageChain, UserError } from '../platform/errors.ts';
import { isThere } from '../platform/files.ts';
import { type Lock, takeLock } from '../platform/lock.ts';
import { buildProbeStemcell } from '../stemcell/index.ts';
import { inspectStemcell } from '../stemcell/inspect-stemcell.ts';
import { agentOf } from './credentials.ts';
import { type ChosenHost, decideEnvironment, refuseUnknown } from './decide.ts';
import { deploySource, engineContext, type StemcellSource } from './deploy.ts';
import { approve } from './doctor.ts';
import { engineNamed } from './engines.ts';
import { digestInputs, requireFiles } from './inputs.ts';
import { refuseShortMemory } from './memory.ts';
import { planNetwork } from './network-plan.ts';
import { cacheFolder, checkEnvironmentName, environmentPaths, privateHostFolder } from './paths.ts';
import { type EnvironmentRecord, readRecord, writeRecord } from './record.ts';
import { currentVm, hostRuns, openBackend } from './session.ts';
import { listSnapshots } from './snapshot.ts';
import type { Caller, Step } from './steps/step.ts';
import { removeStrays } from './strays.ts';
import { chosenStemcell, refuseMove, type UpRequest } from './up-settings.ts';

export interface UpOptions {
  readonly recreate: boolean;
  /** The program that bosh will start as CPI: this boshvirt's own launcher. */
  readonly boshvirtCommand: string;
}

export interface UpOutcome {
  readonly record: EnvironmentRecord;
  /** false: it was as asked, and nothing was done. */
  readonly changed: boolean;
}

/** What the steps hand to one another. */
interface Work {
  chosen?: ChosenHost;
  stemcell?: StemcellSource;
  record?: EnvironmentRecord;
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
  checkEnvironmentName(name);
  refuseUnknown(request);
  if (request.cidr !== undefined && request.cidr !== 'auto') planNetwork(request.cidr, request.ip);
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
  if (before) refuseMove(request, before);
  await requireFiles('ops-file', request.ops ?? before?.ops ?? []);
  await requireFiles('variables file', request.varsFiles ?? before?.varsFiles ?? []);
  await requireFiles('agent', request.agent === undefined ? [] : [request.agent]);
  const far = before && (await distance(before, request, options, caller));
  if (before && far === 'none') return { record: before, changed: false };
  if (before && far === 'remake') await approveLoss(before, caller);
  const missing = await approvedPackages(request, before, caller);
  const work: Work = {};
  await caller.runSteps(stepsOfUp(name, request, options, before, missing, lock, caller), work);
  return { record: required(work.record), changed: true };
}

function stepsOfUp(
  name: string,
  request: UpRequest,
  options: UpOptions,
  before: EnvironmentRecord | undefined,
  missing: readonly string[],
  lock: Lock,
  caller: Caller,
): Step<Work>[] {
  const { signal, log } = caller;
  const { stemcell: stemcellPath, agent: agentPath } = chosenStemcell(request, before);
  return [
    {
      title: 'Install packages',
      skip: () => (missing.length === 0 ? 'this machine has what is needed' : undefined),
      run: async (_, say) => await installPackages(missing, { log, signal, onLine: say }),
    },
    {
      title: 'Find libvirt',
      async run(work, say) {
        const chosen = await chooseHost(request, before, caller);
        work.record = await decideEnvironment(name, request, chosen, before);
        await refuseShortMemory(work.record, before);
        say(chosen.host === 'private' ? 'boshvirt runs one of its own' : chosen.uri);
      },
    },
    {
      title: stemcellPath === undefined ? 'Build the probe stemcell' : 'Read the stemcell',
      async run(work, say) {
        work.stemcell =
          stemcellPath === undefined
            ? await buildProbeStemcell({
                cacheDir: cacheFolder(),
                log,
                signal,
                onStep: say,
                ...(agentPath === undefined ? {} : { agentPath }),
              })
            : await inspectStemcell(stemcellPath, signal);
      },
    },
    {
      title: 'Start the private libvirt host',
      skip: (work) => (required(work.record).host === 'private' ? undefined : 'another libvirt is used'),
      async run(work, say) {
        await keep(required(work.record)); // from now on there is something that down has to find
        await startPrivateHost(privateHostFolder(), { log, signal });
        say(privateHostFolder());
      },
    },
    {
      title: 'Lay storage and network',
      async run(work, say) {
        const record = required(work.record);
        await keep(record);
        await using backend = await openBackend(record, log);
        await layGround(backend, record);
        await removeStrays(backend, name, log);
        await backend.ground.revive();
        say(`${record.network.cidr}, machine at ${record.network.ip}`);
      },
    },
    {
      title: 'Create the machine',
      async run(work, say) {
        const record = required(work.record);
        const source = deploySource(record, required(work.stemcell), options.boshvirtCommand);
        const context = await engineContext(record, options.boshvirtCommand, caller, lock, say);
        const engine = await engineNamed(record.engine);
        const { changed } = await engine.createEnv(source, context, { recreate: options.recreate });
        // a machine takes its snapshots with it
        if (changed) await rm(environmentPaths(name).snapshots, { recursive: true, force: true });
        const stemcellFile = await identity(required(work.stemcell));
        work.record = { ...record, phase: 'up', inputs: await digestInputs(source), stemcellFile };
        await writeRecord(work.record);
      },
    },
    {
      title: 'Ask the agent',
      async run(work, say) {
        const agent = await agentOf(required(work.record), log);
        await agent.ping({ timeoutMs: 60_000, signal });
        say('it answers');
      },
    },
  ];
}

/** Writes down that work on the environment has begun. */
async function keep(record: EnvironmentRecord): Promise<void> {
  await mkdir(environmentPaths(record.name).folder, { recursive: true, mode: 0o700 });
  await writeRecord({ ...record, phase: 'preparing' });
}

/** How far an environment is from what is asked for. */
type Distance = 'none' | 'repair' | 'remake';

/** Compares with what create-env was done with, and asks hypervisor and agent whether that still stands. */
async function distance(
  before: EnvironmentRecord,
  request: UpRequest,
  options: UpOptions,
  caller: Caller,
): Promise<Distance> {
  if (options.recreate || before.phase !== 'up') return 'remake';
  const wanted = await decideEnvironment(before.name, request, before, before);
  const cid = await currentVm(before.name);
  if (wanted.engine !== before.engine || wanted.stemcell !== before.stemcell) return 'remake';
  if (wanted.agent?.sha256 !== before.agent?.sha256) return 'remake';
  if (before.inputs !== (await digestNow(wanted, options))) return 'remake';
  return (await isWell(before, cid, caller)) ? 'none' : 'repair';
}

async function isWell(record: EnvironmentRecord, cid: VmCid | undefined, caller: Caller): Promise<boolean> {
  if (!(await hostRuns(record))) return false;
  try {
    await using backend = await openBackend(record, caller.log);
    const { vms } = await backend.ground.inventory();
    if (!vms.some((vm) => vm.cid === cid && vm.state === 'running')) return false;
    await (await agentOf(record, caller.log)).ping({ timeoutMs: 2_000, signal: caller.signal });
    return true;
  } catch (error) {
    caller.signal.throwIfAborted();
    caller.log.info(`the environment is not as it should be: ${messageChain(error)}`);
    return false;
  }
}

/** A new machine has none of the old one's snapshots: asks before they are lost. Throws DECLINED. */
async function approveLoss(before: EnvironmentRecord, caller: Caller): Promise<void> {
  const lost = await snapshotNames(before, caller);
  if (lost.length === 0) return;
  const question = `The machine is made anew; its snapshots are lost: ${lost.join(', ')}. Go on?`;
  if (await caller.confirm(question, 'no')) return;
  throw new UserError('DECLINED', `Environment '${before.name}' was left as it is`);
}

/** Empty where nobody can be asked: what cannot be seen cannot be warned of. */
async function snapshotNames(before: EnvironmentRecord, caller: Caller): Promise<string[]> {
  if (!(await hostRuns(before)) || !(await currentVm(before.name))) return [];
  try {
    return (await listSnapshots(before.name, caller.log)).map((snapshot) => snapshot.name);
  } catch (error) {
    caller.log.info(`its snapshots cannot be listed: ${messageChain(error)}`);
    return [];
  }
}

/** The digest that create-env would have now, or undefined if the stemcell's file changed since. */
async function digestNow(record: EnvironmentRecord, options: UpOptions): Promise<string | undefined> {
  const { stemcellFile: file } = record;
  if (!file) return undefined;
  // a stemcell that we built may have left the cache meanwhile: that changes nothing for the machine
  if (record.stemcell !== undefined && !isDeepStrictEqual(await identity(file), file)) return undefined;
  return await digestInputs(deploySource(record, file, options.boshvirtCommand));
}

async function identity({
  path,
  sha1,
}: StemcellSource): Promise<NonNullable<EnvironmentRecord['stemcellFile']>> {
  const { size, mtimeMs } = await stat(path);
  return { path, sha1, size, changed: mtimeMs };
}

/** What is missing on this machine, once the person agreed to install it; empty when nothing is. */
async function approvedPackages(
  request: UpRequest,
  before: EnvironmentRecord | undefined,
  caller: Caller,
): Promise<string[]> {
  const uri = request.uri ?? before?.uri;
  const local = uri === undefined || !uri.includes('+ssh:');
  const [hypervisor, builder] = await Promise.all([
    local ? missingPackages('qemu') : [],
    chosenStemcell(request, before).stemcell === undefined ? missingPackages('stemcell') : [],
  ]);
  const missing = [...new Set([...hypervisor, ...builder])];
  if (missing.length === 0) return [];
  await approve(missing, caller);
  return missing;
}

/** What was chosen before stays; a libvirt that a person named has to answer; where none does, ours will. */
async function chooseHost(
  request: UpRequest,
  before: EnvironmentRecord | undefined,
  caller: Caller,
): Promise<ChosenHost> {
  if (before) return { uri: before.uri, host: before.host };
  const found = await findLibvirt(request.uri, { signal: caller.signal });
  if (found.kind !== 'none') return { uri: found.uri, host: found.kind };
  if (process.getuid?.() !== 0) {
    throw new UserError('PERMISSION', 'No libvirt answers, and to run one of its own boshvirt needs root', {
      hints: [
        'run the same command with sudo -H',
        'or let this machine’s libvirtd answer you: sudo systemctl enable --now libvirtd; sudo usermod -aG libvirt $USER',
      ],
    });
  }
  return { uri: privateHostNames(privateHostFolder()).uri, host: 'private' };
}

async function layGround(backend: Backend, record: EnvironmentRecord): Promise<void> {
  const { network, pool } = record;
  await backend.ground.prepare({
    poolPath: pool.path,
    bridge: network.bridge,
    gateway: network.gateway,
    prefixLength: planNetwork(network.cidr, network.ip).prefixLength,
    domain: `${record.name}.boshvirt.test`,
  });
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('a step of up ran before the one that it stands on');
  return value;
}
