import { mkdir, rm } from 'node:fs/promises';
import type { Backend, BackendModule } from '../cpi/backend.ts';
import { installPackages } from '../host/findings/index.ts';
import { UserError } from '../platform/errors.ts';
import type { Lock } from '../platform/lock.ts';
import { buildProbeStemcell, type ProbeFormName, probeFormFor } from '../stemcell/index.ts';
import { inspectStemcell } from '../stemcell/inspect-stemcell.ts';
import { adoptDisk } from './adopt-disk.ts';
import type { ChosenBackend } from './choose-backend.ts';
import { chooseHost } from './choose-host.ts';
import { agentOf } from './credentials.ts';
import { decideEnvironment, decideNetwork } from './decide.ts';
import { deploySource, engineContext, type StemcellSource } from './deploy.ts';
import { engineNamed } from './engines.ts';
import { digestInputs } from './inputs.ts';
import { refuseShortMemory } from './memory.ts';
import { planNetwork } from './network-plan.ts';
import { cacheFolder, environmentPaths, privateHostFolder } from './paths.ts';
import { type EnvironmentRecord, writeRecord } from './record.ts';
import { refuseForeign } from './refuse-foreign.ts';
import { whileNoneComesOrGoes } from './register.ts';
import { openBackend, wakeHost } from './session.ts';
import { stemcellIdentity } from './stemcell-identity.ts';
import type { Caller, Step } from './steps/step.ts';
import { removeStrays } from './strays.ts';
import { chosenStemcell, type UpRequest } from './up-settings.ts';

export interface UpOptions {
  readonly recreate: boolean;
  /** Nothing is fetched: what is not in the cache is an error. */
  readonly offline: boolean;
  /** CID of a lost disk that the machine is to have. */
  readonly adoptDisk: string | undefined;
  /** The program that bosh will start as CPI: this boshvirt's own launcher. */
  readonly boshvirtCommand: string;
}

/** One `up`: what was asked for, what stood before, and what it works with. */
export interface UpJob {
  readonly name: string;
  readonly request: UpRequest;
  readonly options: UpOptions;
  readonly before: EnvironmentRecord | undefined;
  readonly backend: ChosenBackend;
  /** Packages that the person agreed to install. */
  readonly missing: readonly string[];
  readonly lock: Lock;
  readonly caller: Caller;
}

/** What the steps hand to one another. */
export interface UpWork {
  stemcell?: StemcellSource;
  record?: EnvironmentRecord;
}

/** From whatever stands, nothing or a half, to a machine that answers. */
export const stepsOfUp = (job: UpJob): Step<UpWork>[] => [
  installStep(job),
  decideStep(job),
  stemcellStep(job),
  hostStep(job),
  groundStep(job),
  machineStep(job),
  agentStep(job),
];

function installStep({ missing, caller: { log, signal } }: UpJob): Step<UpWork> {
  return {
    title: 'Install packages',
    skip: () => (missing.length === 0 ? 'this machine has what is needed' : undefined),
    run: async (_, say) => await installPackages(missing, { log, signal, onLine: say }),
  };
}

/** Nothing is made yet: what cannot be is refused here. */
function decideStep({ name, request, before, backend, caller }: UpJob): Step<UpWork> {
  return {
    title: 'Find libvirt',
    async run(work, say) {
      const { module, why } = backend;
      say(`${module.name}: ${why}`);
      const chosen = await chooseHost(module, request, before, caller.signal);
      work.record = await decideEnvironment(name, request, chosen, before);
      await refuseShortMemory(work.record, before);
      if (!before) await refuseForeign(work.record, caller.log);
      say(chosen.host === 'private' ? 'boshvirt runs one of its own' : chosen.uri);
    },
  };
}

function stemcellStep({ request, before, backend, caller: { log, signal } }: UpJob): Step<UpWork> {
  const { stemcell, agent } = chosenStemcell(request, before);
  return {
    title: stemcell === undefined ? 'Build the probe stemcell' : 'Read the stemcell',
    async run(work, say) {
      if (stemcell !== undefined) {
        work.stemcell = await inspectStemcell(stemcell, signal);
        return;
      }
      const form = requiredForm(backend.module);
      const place = { cacheDir: cacheFolder(), form, log, signal, onStep: say };
      work.stemcell = await buildProbeStemcell({
        ...place,
        ...(agent === undefined ? {} : { agentPath: agent }),
      });
    },
  };
}

function requiredForm({ name, traits }: BackendModule): ProbeFormName {
  const form = probeFormFor(traits.stemcellFormats);
  if (form !== undefined) return form;
  throw new UserError('UNSUPPORTED', `There is no probe stemcell for the backend ${name}`, {
    hints: [
      `name a stemcell with --stemcell; ${name} takes the formats ${traits.stemcellFormats.join(', ')}`,
    ],
  });
}

function hostStep(job: UpJob): Step<UpWork> {
  const { log, signal } = job.caller;
  return {
    title: 'Start the private libvirt host',
    skip: (work) => (required(work.record).host === 'private' ? undefined : 'another libvirt is used'),
    async run(work, say) {
      work.record = await begin(job, required(work.record)); // from now on there is something that down has to find
      await wakeHost(required(work.record), log, signal);
      say(privateHostFolder());
    },
  };
}

function groundStep(job: UpJob): Step<UpWork> {
  const { name, options, caller } = job;
  return {
    title: 'Lay storage and network',
    async run(work, say) {
      const decided = required(work.record);
      const record = decided.host === 'private' ? decided : await begin(job, decided);
      work.record = record;
      await using backend = await openBackend(record, caller.log);
      await layGround(backend, record);
      await removeStrays(backend, record, caller.log);
      if (options.adoptDisk !== undefined) await adoptDisk(backend, name, options.adoptDisk);
      await backend.ground.revive();
      say(`${record.network.cidr}, machine at ${record.network.ip}`);
    },
  };
}

function machineStep({ name, options, lock, caller }: UpJob): Step<UpWork> {
  const { boshvirtCommand } = options;
  const recreate = options.recreate || options.adoptDisk !== undefined;
  return {
    title: 'Create the machine',
    async run(work, say) {
      const [record, stemcell] = [required(work.record), required(work.stemcell)];
      const source = deploySource(record, stemcell, boshvirtCommand);
      const context = await engineContext(record, boshvirtCommand, caller, lock, say);
      const engine = await engineNamed(record.engine);
      const { changed } = await engine.createEnv(source, context, { recreate });
      // a machine takes its snapshots with it
      if (changed) await rm(environmentPaths(name).snapshots, { recursive: true, force: true });
      const stemcellFile = await stemcellIdentity(stemcell);
      work.record = { ...record, phase: 'up', inputs: await digestInputs(source), stemcellFile };
      await writeRecord(work.record);
    },
  };
}

function agentStep({ caller: { log, signal } }: UpJob): Step<UpWork> {
  return {
    title: 'Ask the agent',
    async run(work, say) {
      const agent = await agentOf(required(work.record), log);
      await agent.ping({ timeoutMs: 60_000, signal });
      say('it answers');
    },
  };
}

/**
 * Writes down that work on the environment has begun. A new one's range is decided once more: since it was, another
 * environment may have begun with it.
 */
async function begin(
  { name, request, before }: UpJob,
  decided: EnvironmentRecord,
): Promise<EnvironmentRecord> {
  return await whileNoneComesOrGoes(`boshvirt up ${name}`, async () => {
    const network = await decideNetwork(name, request, decided, before);
    const record: EnvironmentRecord = { ...decided, network, phase: 'preparing' };
    await mkdir(environmentPaths(name).folder, { recursive: true, mode: 0o700 });
    await writeRecord(record);
    return record;
  });
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
