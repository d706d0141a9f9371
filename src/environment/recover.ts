import type { Backend, VmCid } from '../cpi/backend.ts';
import { UserError } from '../platform/errors.ts';
import { takeLock } from '../platform/lock.ts';
import { findBoshProgram } from './bosh-program.ts';
import { setClock } from './clock.ts';
import { cpiServerState, needsCpiServer, startCpiServer } from './cpi-server.ts';
import { agentOf } from './credentials.ts';
import { hasDirector } from './director/index.ts';
import { noHosts } from './hosts/hosts-step.ts';
import { stepsOfShare } from './hosts/join-here.ts';
import { joinHosts, tunnelsStand } from './hosts/join-host.ts';
import { environmentPaths, privateHostFolder } from './paths.ts';
import { type EnvironmentRecord, requireRecord } from './record.ts';
import { recoverDeployments, recoverDirector, setDeploymentClocks } from './recover-director.ts';
import { type Recovered, slept } from './recovered.ts';
import { hostRuns, openBackend, requireVm, wakeHost } from './session.ts';
import { sitesOf } from './sites.ts';
import type { Caller, Step } from './steps/step.ts';

export interface RecoverOptions {
  /** Lets the director mend its deployments' VMs: `bosh cloud-check --auto`. */
  readonly cloudCheck: boolean;
}

/** A machine that starts from nothing, emulated, takes minutes. */
const bootTimeoutMs = 10 * 60_000;

interface RecoverWork {
  readonly record: EnvironmentRecord;
  readonly machine: VmCid;
  readonly report: Recovered[];
}

/**
 * Brings all of an environment back after a reboot, a crash or a `suspend`, from below to above: the private libvirt host, storage,
 * networks with their routes, the machine, the VMs that its director has made, the agent, the director. What runs is left alone: a
 * second `recover` does nothing. Gives what was found and done. Throws what stands in the way of the rest.
 */
export async function recover(name: string, options: RecoverOptions, caller: Caller): Promise<Recovered[]> {
  const record = await requireRecord(name);
  await using _lock = await takeLock(environmentPaths(name).lock, 0, `boshvirt recover ${name}`);
  if (record.joined) return await recoverShare(record, caller);
  const work = { record, machine: await requireVm(name), report: [] };
  await caller.runSteps(
    [
      hostStep(caller),
      groundStep(caller),
      hostsStep(caller),
      agentStep(caller),
      ...directorSteps(work, options, caller),
    ],
    work,
  );
  return work.report;
}

/** This machine's share in another one's environment has no machine and no director. */
async function recoverShare(record: EnvironmentRecord, caller: Caller): Promise<Recovered[]> {
  await caller.runSteps(
    stepsOfShare(() => record, caller),
    {},
  );
  return [{ part: 'cpi-server', name: record.network.gateway, found: 'answers', done: undefined }];
}

function hostStep({ log, signal }: Caller): Step<RecoverWork> {
  return {
    title: 'Start the private libvirt host',
    skip: ({ record }) => (record.host === 'private' ? undefined : 'another libvirt is used'),
    async run({ record, report }, say) {
      const ran = await hostRuns(record);
      await wakeHost(record, log, signal); // also one that runs: its libvirtd may hang
      const done = ran ? undefined : 'started';
      report.push({ part: 'host', name: privateHostFolder(), found: ran ? 'running' : 'down', done });
      say(done ?? 'it runs');
    },
  };
}

function groundStep({ log, signal, tell }: Caller): Step<RecoverWork> {
  return {
    title: 'Bring back storage, networks and VMs',
    async run({ record, machine, report }, say) {
      await using own = await openBackend(record, log);
      await refuseLost(own, machine, record.name);
      const before = report.length;
      report.push(...(await own.ground.revive(machine)));
      for (const { module, config } of (await sitesOf(record, signal)).slice(1)) {
        await using other = await module.open(config, log);
        if ((await other.ground.inventory()).vms.length === 0) continue;
        report.push(...(await other.ground.revive()).filter(({ part }) => part === 'vm'));
      }
      for (const { advice } of report) if (advice !== undefined) tell(advice);
      const mended = report.slice(before).filter(({ done }) => done !== undefined);
      say(mended.map(inWords).join('; ') || 'all of it runs');
    },
  };
}

/** `vm vm-1: off, started`. */
const inWords = ({ part, name, found, done }: Recovered): string => `${part} ${name}: ${found}, ${done}`;

async function refuseLost({ ground }: Backend, machine: VmCid, name: string): Promise<void> {
  if ((await ground.inventory()).vms.some(({ cid }) => cid === machine)) return;
  throw new UserError('NO_ENVIRONMENT', `The machine of '${name}', ${machine}, is gone from the hypervisor`, {
    hints: [`boshvirt up ${name} makes another, which gets the persistent disk if that is still there`],
  });
}

/** The director's other hosts; one that is down keeps nobody from working with the rest. */
function hostsStep(caller: Caller): Step<RecoverWork> {
  return {
    title: 'Join the other hosts',
    skip: async ({ record }) => await noHosts(record.name),
    async run({ record, report }, say) {
      const stood = await tunnelsStand(record);
      for (const { name, fault } of await joinHosts(record, caller)) {
        const found = fault ?? (stood ? 'joined' : 'apart');
        const done = fault === undefined && !stood ? 'joined' : undefined;
        report.push({ part: 'host', name, found, done });
        say(`${name}: ${done ?? found}`);
      }
    },
  };
}

function agentStep({ log, signal }: Caller): Step<RecoverWork> {
  return {
    title: 'Ask the agent',
    async run({ record, machine, report }, say) {
      const agent = await agentOf(record, log);
      const answers = await agent.ping({ timeoutMs: 2_000, signal }).then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (!answers) await agent.ping({ timeoutMs: bootTimeoutMs, signal });
      const facts = { part: 'agent', name: record.network.ip } as const;
      report.push({
        ...facts,
        found: answers ? 'answers' : 'silent',
        done: answers ? undefined : 'waited for it',
      });
      if (slept(report, machine)) {
        const done = (await setClock(record.name, log, signal)) ? 'set' : undefined;
        report.push({ part: 'clock', name: record.network.ip, found: 'late', done });
      }
      say('it answers');
    },
  };
}

/** Before the director is asked, which may have VMs made at once. */
function cpiServerStep(caller: Caller): Step<RecoverWork> {
  return {
    title: 'Serve the CPI to the director',
    async run({ record, report }, say) {
      const { state: found, url } = await cpiServerState(record, caller.signal);
      const done = found === 'running' ? undefined : 'started';
      if (done) await startCpiServer(record, caller);
      report.push({ part: 'cpi-server', name: url, found, done });
      say(done ?? 'it runs');
    },
  };
}

/** Only where there is one. */
function directorSteps(
  { record }: RecoverWork,
  { cloudCheck }: RecoverOptions,
  caller: Caller,
): Step<RecoverWork>[] {
  if (!hasDirector(record)) return [];
  return [
    ...(needsCpiServer(record) ? [cpiServerStep(caller)] : []),
    {
      title: 'Ask the director',
      async run({ report }, say) {
        const director = await recoverDirector(record, caller, say);
        report.push(director);
        say(director.done ?? 'it answers');
      },
    },
    {
      title: 'Look at its deployments',
      skip: async () =>
        cloudCheck || (await findBoshProgram()) ? undefined : 'there is no bosh CLI to ask with',
      async run({ report, machine }, say) {
        const others = report.filter(({ part, name }) => part === 'vm' && name !== machine);
        if (others.some(({ name }) => slept(others, name as VmCid)))
          report.push(...(await setDeploymentClocks(record, caller, say)));
        report.push(...(await recoverDeployments(record, cloudCheck, caller, say)));
      },
    },
  ];
}
