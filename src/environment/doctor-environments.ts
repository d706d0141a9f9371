import { hopChecks, inspect } from '../host/findings/index.ts';
import { cpiServerPort } from '../manifest/compose.ts';
import { messageOf } from '../platform/errors.ts';
import { type Check, type Finding, ok, warn } from '../platform/finding.ts';
import type { Log } from '../platform/log.ts';
import { needsCpiServer } from './cpi-server.ts';
import { agentOf } from './credentials.ts';
import { askDirector, hasDirector } from './director/index.ts';
import { type EnvironmentRecord, readableRecords } from './record.ts';
import { hostRuns, roadTo } from './session.ts';
import { status } from './status.ts';

/** A finding about one environment. */
export interface EnvironmentFinding extends Finding {
  readonly environment: string;
}

const pingTimeoutMs = 3_000;

/**
 * Follows the way from this machine to each environment's guests and its director, hop by hop. Of one that does not run nothing but that is
 * said; libvirts on other machines have ways that cannot be looked at from here.
 */
export async function doctorOfEnvironments(log: Log, signal: AbortSignal): Promise<EnvironmentFinding[]> {
  const found: EnvironmentFinding[] = [];
  for (const record of await readableRecords()) {
    const checks = await checksOf(record, log, signal);
    for (const finding of await inspect(checks)) found.push({ ...finding, environment: record.name });
    signal.throwIfAborted();
  }
  return found;
}

async function checksOf(record: EnvironmentRecord, log: Log, signal: AbortSignal): Promise<Check[]> {
  const answers = answerChecks(record, log, signal);
  const runs = stateCheck(record, log, signal);
  if (record.uri.includes('+ssh:')) return [runs, ...answers];
  if (!(await hostRuns(record))) return [runs];
  const { network, workload, name } = record;
  const way = {
    environment: name,
    prefix: (await roadTo(record)).commandPrefix,
    bridge: network.bridge,
    gateway: network.gateway,
    machine: network.ip,
    ports: needsCpiServer(record) ? [cpiServerPort] : [],
    workload,
  };
  return [runs, ...hopChecks(way), ...answers];
}

const stateCheck = (record: EnvironmentRecord, log: Log, signal: AbortSignal): Check => ({
  id: `env.${record.name}.state`,
  title: 'state',
  why: 'of what does not run nothing else can be said',
  async look() {
    const { state, detail } = await status(record.name, log, signal);
    const words = detail === undefined ? state : `${state} (${detail})`;
    const fix = state === 'suspended' ? 'resume' : state === 'incomplete' ? 'up' : 'recover';
    return state === 'running' ? ok(words) : warn(words, `boshvirt ${fix} ${record.name}`);
  },
});

function answerChecks(record: EnvironmentRecord, log: Log, signal: AbortSignal): Check[] {
  const { name } = record;
  if (!hasDirector(record)) return [];
  return [
    {
      id: `env.${name}.agent`,
      title: 'agent',
      why: 'where the machine answers and its director does not, the director is what is down',
      async look() {
        await (await agentOf(record, log)).ping({ timeoutMs: pingTimeoutMs, signal });
        return ok('it answers');
      },
    },
    {
      id: `env.${name}.director`,
      title: 'director',
      why: 'bosh asks it',
      async look() {
        const info = await askDirector(record, signal).catch((error: unknown) => {
          signal.throwIfAborted();
          return messageOf(error);
        });
        return typeof info === 'string'
          ? warn(info, `boshvirt recover ${name} waits for it`)
          : ok(`${info.name}, version ${info.version}`);
      },
    },
  ];
}
