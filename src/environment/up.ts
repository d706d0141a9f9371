import { mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Backend } from '../cpi/backend.ts';
import { installPackages, missingPackages } from '../host/findings/index.ts';
import { findLibvirt } from '../host/libvirt-service.ts';
import { startPrivateHost } from '../host/private-host/index.ts';
import { messageChain, UserError } from '../platform/errors.ts';
import { type Lock, takeLock } from '../platform/lock.ts';
import { buildProbeStemcell } from '../stemcell/index.ts';
import { inspectStemcell } from '../stemcell/inspect-stemcell.ts';
import { agentOf } from './credentials.ts';
import { type ChosenHost, decideEnvironment } from './decide.ts';
import { deploySource, engineContext, type StemcellSource } from './deploy.ts';
import { approve } from './doctor.ts';
import { engineNamed } from './engines.ts';
import { digestInputs } from './inputs.ts';
import { planNetwork } from './network-plan.ts';
import { cacheFolder, checkEnvironmentName, environmentPaths, privateHostFolder } from './paths.ts';
import { type EnvironmentRecord, readRecord, writeRecord } from './record.ts';
import { currentVm, hostRuns, openBackend } from './session.ts';
import type { Caller, Step } from './steps/step.ts';
import { removeStrays } from './strays.ts';
import { refuseMove, type UpRequest } from './up-settings.ts';

export interface UpOptions {
  readonly recreate: boolean;
  /** The program that bosh will start as CPI: this boshvirt's own launcher. */
  readonly boshvirtCommand: string;
  /** A real bosh-agent for the probe stemcell, instead of boshvirt's own. */
  readonly agentBinary?: string | undefined;
}

export interface UpOutcome {
  readonly record: EnvironmentRecord;
  readonly changed: boolean;
}

/** What the steps hand to one another. */
interface Work {
  chosen?: ChosenHost;
  stemcell?: StemcellSource;
  record?: EnvironmentRecord;
  changed: boolean;
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
  if (request.cidr !== undefined && request.cidr !== 'auto') planNetwork(request.cidr, request.ip);
  const paths = environmentPaths(name);
  await using lock = await takeLock(paths.lock, 0, `boshvirt up ${name}`);
  const before = await readRecord(name);
  if (before) refuseMove(request, before);
  if (before && !options.recreate && (await isAsAsked(before, request, options, caller)))
    return { record: before, changed: false };
  const missing = await approvedPackages(request, before, caller);
  const work: Work = { changed: false };
  await caller.runSteps(stepsOfUp(name, request, options, before, missing, lock, caller), work);
  return { record: required(work.record), changed: work.changed };
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
  const stemcellPath = request.stemcell ?? before?.stemcell;
  return [
    {
      title: 'Install packages',
      skip: () => (missing.length === 0 ? 'this machine has what is needed' : undefined),
      run: async (_, say) => await installPackages(missing, { log, signal, onLine: say }),
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
                ...(options.agentBinary === undefined ? {} : { agentPath: options.agentBinary }),
              })
            : await inspectStemcell(resolve(stemcellPath), signal);
      },
    },
    {
      title: 'Find libvirt',
      async run(work, say) {
        work.chosen = await chooseHost(request, before, caller, say);
        say(work.chosen.host === 'private' ? `private host in ${privateHostFolder()}` : work.chosen.uri);
      },
    },
    {
      title: 'Lay storage and network',
      async run(work, say) {
        const record = await decideEnvironment(name, request, required(work.chosen), before);
        await mkdir(environmentPaths(name).folder, { recursive: true, mode: 0o700 });
        work.record = { ...record, phase: 'preparing' };
        await writeRecord(work.record);
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
        work.changed = (await engine.createEnv(source, context, { recreate: options.recreate })).changed;
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

/** True when create-env was done with these very inputs and the machine answers: then there is nothing to do. */
async function isAsAsked(
  before: EnvironmentRecord,
  request: UpRequest,
  options: UpOptions,
  caller: Caller,
): Promise<boolean> {
  if (before.phase !== 'up' || !(await hostRuns(before))) return false;
  try {
    const wanted = await decideEnvironment(before.name, request, before, before);
    if (wanted.engine !== before.engine || wanted.stemcell !== before.stemcell) return false;
    if (before.inputs !== (await digestNow(wanted, options))) return false;
    await using backend = await openBackend(before, caller.log);
    const { vms } = await backend.ground.inventory();
    const cid = await currentVm(before.name);
    if (!vms.some((vm) => vm.cid === cid && vm.state === 'running')) return false;
    await (await agentOf(before, caller.log)).ping({ timeoutMs: 2_000, signal: caller.signal });
    return true;
  } catch (error) {
    caller.signal.throwIfAborted();
    if (error instanceof UserError && error.code !== 'HYPERVISOR' && error.code !== 'NO_ENVIRONMENT')
      throw error;
    caller.log.info(`the environment is not as it should be: ${messageChain(error)}`);
    return false;
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
    (request.stemcell ?? before?.stemcell) === undefined ? missingPackages('stemcell') : [],
  ]);
  const missing = [...new Set([...hypervisor, ...builder])];
  if (missing.length === 0) return [];
  await approve(missing, caller);
  return missing;
}

async function chooseHost(
  request: UpRequest,
  before: EnvironmentRecord | undefined,
  caller: Caller,
  say: (line: string) => void,
): Promise<ChosenHost> {
  if (before && before.host !== 'private') return { uri: before.uri, host: before.host };
  if (!before) {
    const found = await findLibvirt(request.uri, { signal: caller.signal });
    if (found.kind !== 'none') return { uri: found.uri, host: found.kind };
  }
  say('starting a private libvirt host');
  const host = await startPrivateHost(privateHostFolder(), { log: caller.log, signal: caller.signal });
  return { uri: host.uri, host: 'private' };
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
