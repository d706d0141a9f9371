import { mkdir, rm } from 'node:fs/promises';
import type { Backend, GroundPlan } from '../cpi/backend.ts';
import { installPackages } from '../host/findings/index.ts';
import { adoptDisk } from './adopt-disk.ts';
import { chooseHost } from './choose-host.ts';
import { setClock } from './clock.ts';
import { writeCreateEnvScripts } from './create-env-scripts.ts';
import { agentOf } from './credentials.ts';
import { decideEnvironment, decideRanges } from './decide.ts';
import { deploySource, engineContext } from './deploy.ts';
import { keepManifest, openManifest } from './deployed-manifest.ts';
import { clearTheWay } from './director/clear-the-way.ts';
import {
  boshDeploymentStep,
  boshStep,
  configsStep,
  cpiServerStep,
  directorStep,
  downloadsStep,
  workloadStemcellStep,
} from './director/steps/index.ts';
import { engineNamed } from './engines.ts';
import { hostsStep } from './hosts/hosts-step.ts';
import { digestInputs } from './inputs.ts';
import { refuseShortMemory } from './memory.ts';
import { planNetwork } from './network-plan.ts';
import { environmentPaths, privateHostFolder } from './paths.ts';
import { type EnvironmentRecord, writeRecord } from './record.ts';
import { slept } from './recovered.ts';
import { refuseForeign } from './refuse-foreign.ts';
import { whileNoneComesOrGoes } from './register.ts';
import { currentVm, openBackend, wakeHost } from './session.ts';
import { stemcellIdentity } from './stemcell-identity.ts';
import { stemcellStep } from './stemcell-step.ts';
import type { Step } from './steps/step.ts';
import { removeStrays } from './strays.ts';
import { required, type UpJob, type UpWork } from './up-job.ts';
import { profileOf } from './up-settings.ts';

/** From whatever stands, nothing or a half, to a machine that answers, and with a director one that has what it needs. */
export function stepsOfUp(job: UpJob): Step<UpWork>[] {
  const profile = profileOf(job.request, job.before);
  const isDirector = profile !== 'machine';
  return [
    installStep(job),
    decideStep(job),
    ...(isDirector ? [boshStep(job), boshDeploymentStep(job)] : []),
    stemcellStep(job),
    ...(isDirector ? [downloadsStep(job)] : []),
    hostStep(job),
    groundStep(job),
    machineStep(job),
    agentStep(job),
    ...(profile === 'director' ? [cpiServerStep(job)] : []),
    ...(isDirector ? [directorStep(job), configsStep(job), workloadStemcellStep(job)] : []),
    ...(profile === 'director' ? [hostsStep(job)] : []),
  ];
}

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
      for (const note of await layGround(backend, record)) caller.tell(note);
      await removeStrays(backend, record, caller.log);
      if (options.adoptDisk !== undefined) await adoptDisk(backend, name, options.adoptDisk);
      const machine = await currentVm(name);
      const revivals = await backend.ground.revive(machine);
      for (const { part, advice } of revivals) if (part === 'vm' && advice !== undefined) caller.tell(advice);
      work.slept = slept(revivals, machine);
      say(`${record.network.cidr}, machine at ${record.network.ip}`);
    },
  };
}

function machineStep({ name, options, before, lock, caller }: UpJob): Step<UpWork> {
  const { boshvirtCommand } = options;
  const recreate = options.recreate || options.adoptDisk !== undefined;
  return {
    title: 'Create the machine',
    async run(work, say) {
      const [record, stemcell] = [required(work.record), required(work.stemcell)];
      const source = deploySource(record, stemcell, boshvirtCommand);
      const context = await engineContext(record, boshvirtCommand, caller, lock, say);
      await writeCreateEnvScripts(record, source, context);
      const engine = await engineNamed(record.engine);
      const isReplaced = recreate || before?.inputs !== (await digestInputs(source));
      const isCleared = isReplaced && (await clearTheWay(record, caller, say));
      const { changed } = await engine.createEnv(source, context, { recreate });
      if (isCleared && !changed) await revive(record, caller);
      // a machine takes its snapshots with it
      if (changed) await rm(environmentPaths(name).snapshots, { recursive: true, force: true });
      await keepManifest(name, await openManifest(record, stemcell, boshvirtCommand));
      const { stemcellFile: _, directorInputs, ...rest } = record;
      const file = 'path' in stemcell ? { stemcellFile: await stemcellIdentity(stemcell) } : {};
      // a director that was made anew, with an empty disk it may be, is looked after again
      const given = changed || directorInputs === undefined ? {} : { directorInputs };
      work.record = { ...rest, ...file, ...given, phase: 'up', inputs: await digestInputs(source) };
      await writeRecord(work.record);
    },
  };
}

/** Starts the machine again that was cleared away for another one, which bosh then saw no need for. */
async function revive(record: EnvironmentRecord, { log }: UpJob['caller']): Promise<void> {
  await using backend = await openBackend(record, log);
  await backend.ground.revive(await currentVm(record.name));
}

function agentStep({ name, caller: { log, signal } }: UpJob): Step<UpWork> {
  return {
    title: 'Ask the agent',
    async run(work, say) {
      const agent = await agentOf(required(work.record), log);
      await agent.ping({ timeoutMs: 60_000, signal });
      if (work.slept) await setClock(name, log, signal);
      say('it answers');
    },
  };
}

/**
 * Writes down that work on the environment has begun. A new one's ranges are decided once more: since they were,
 * another environment may have begun with them.
 */
async function begin(
  { name, request, before }: UpJob,
  decided: EnvironmentRecord,
): Promise<EnvironmentRecord> {
  return await whileNoneComesOrGoes(`boshvirt up ${name}`, async () => {
    const ranges = await decideRanges(name, request, decided, before);
    const record: EnvironmentRecord = { ...decided, ...ranges, phase: 'preparing' };
    await mkdir(environmentPaths(name).folder, { recursive: true, mode: 0o700 });
    await writeRecord(record);
    return record;
  });
}

/** Gives in words what was done to a network that was there. */
async function layGround(backend: Backend, record: EnvironmentRecord): Promise<readonly string[]> {
  const { network, pool } = record;
  return await backend.ground.prepare({
    poolPath: pool.path,
    bridge: network.bridge,
    gateway: network.gateway,
    prefixLength: planNetwork(network.cidr, network.ip).prefixLength,
    domain: `${record.name}.boshvirt.test`,
    ...waysInto(record),
  });
}

/** A lite environment's containers are behind its machine, and so is all that is under its domain. */
function waysInto({ workload, network }: EnvironmentRecord): Pick<GroundPlan, 'routes' | 'wildcards'> {
  if (!workload) return {};
  return {
    routes: [{ cidr: workload.cidr, via: network.ip }],
    wildcards: [{ domain: workload.domain, ip: workload.router }],
  };
}
