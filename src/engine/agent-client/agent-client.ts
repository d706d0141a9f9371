import { randomUUID } from 'node:crypto';
import { messageOf } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { pause, waitFor } from '../../platform/retry.ts';
import type { GuestRoad, JsonValue } from '../engine.ts';
import { AgentRefused, AgentUnreachable } from './errors.ts';
import { postJson } from './post-json.ts';

export interface AgentAddress {
  /** `https://user:password@host:port`. */
  readonly mbus: string;
  /** PEM: who has to have signed the agent's certificate. */
  readonly ca: string;
  readonly road: GuestRoad;
  readonly log: Log;
  /** Ends every wait of every call. */
  readonly signal?: AbortSignal;
}

export interface AgentState {
  /** `running`, `failing`, `starting`, `stopped`, … */
  readonly job_state?: string;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const requestTimeoutMs = 30_000;
const pingAttemptMs = 5_000;
/** Below it the message of a last attempt would hide what the others met. */
const shortestAttemptMs = 500;
const pingIntervalMs = 500;
const taskTimeoutMs = 10 * 60_000;
/** Partitioning and formatting take their time under emulation. */
const mountTimeoutMs = 30 * 60_000;
const migrateTimeoutMs = 12 * 3_600_000;
const drainTimeoutMs = 3_600_000;
/** A busy guest may miss a question now and then: bosh forgives as many in a row. */
const forgivenQuestions = 10;

/**
 * One agent. Methods throw AgentUnreachable for silence (code AGENT_TIMEOUT when a time ran out), AgentDistrusted for a
 * wrong certificate or password, AgentRefused for what the agent failed at, and the signal's reason once it aborts.
 */
export class AgentClient {
  readonly #address: AgentAddress;

  constructor(address: AgentAddress) {
    this.#address = address;
  }

  /** Asks until the agent answers or `timeoutMs` have passed; a distrusted agent ends the wait at once. */
  async ping({ timeoutMs = requestTimeoutMs, signal }: CallOptions = {}): Promise<void> {
    const end = performance.now() + timeoutMs;
    let last: unknown;
    const attempt = async (): Promise<true | undefined> => {
      const leftMs = Math.max(shortestAttemptMs, Math.ceil(end - performance.now()));
      try {
        await this.#call('ping', [], {
          timeoutMs: Math.min(leftMs, pingAttemptMs),
          ...(signal ? { signal } : {}),
        });
        return true;
      } catch (error) {
        last = this.#forgive(error, signal);
        return undefined;
      }
    };
    const both = this.#signals(signal);
    if (await waitFor(attempt, { timeoutMs, intervalMs: pingIntervalMs, signal: both })) return;
    throw new AgentUnreachable(
      'AGENT_TIMEOUT',
      `The agent at ${this.#host} did not answer within ${timeoutMs / 1000} s: ${messageOf(last)}`,
      { cause: last, hints: ['boshvirt logs --source console shows what the machine says'] },
    );
  }

  async getState(): Promise<AgentState> {
    return (await this.#call('get_state', [])) as AgentState;
  }

  /** CIDs of the persistent disks that are mounted. */
  async listDisk(): Promise<string[]> {
    const value = await this.#call('list_disk', []);
    if (Array.isArray(value)) return value.map(String);
    throw new AgentRefused(this.#host, 'list_disk', `it answered ${JSON.stringify(value)}`);
  }

  async start(): Promise<void> {
    const answer = await this.#call('start', []);
    if (answer !== 'started')
      throw new AgentRefused(this.#host, 'start', `it answered ${JSON.stringify(answer)}`);
  }

  async stop(): Promise<void> {
    await this.#task('stop', []);
  }

  /** `spec` is a V1 apply specification. */
  async apply(spec: JsonValue): Promise<void> {
    await this.#task('apply', [spec]);
  }

  /** Waits for jobs to give up their work; a negative answer asks for a later second question. */
  async drain(): Promise<void> {
    const end = performance.now() + drainTimeoutMs;
    let seconds = Number(await this.#task('drain', ['shutdown', {}], drainTimeoutMs));
    while (seconds < 0) {
      if (performance.now() > end) throw this.#unfinished('drain', drainTimeoutMs);
      await pause(-seconds * 1000, this.#address.signal);
      seconds = Number(await this.#task('drain', ['status', {}], drainTimeoutMs));
    }
    if (seconds > 0) await pause(seconds * 1000, this.#address.signal);
  }

  /** Runs `pre-start` and its like in all jobs. Agents that do not know scripts are forgiven, as bosh does. */
  async runScript(name: string): Promise<void> {
    await this.#taskIfKnown('run_script', [name, {}]);
  }

  /** `hint` is attach_disk's answer, as it came. */
  async addPersistentDisk(cid: string, hint: JsonValue): Promise<void> {
    await this.#taskIfKnown('add_persistent_disk', [cid, hint]);
  }

  async removePersistentDisk(cid: string): Promise<void> {
    await this.#taskIfKnown('remove_persistent_disk', [cid]);
  }

  /** Mounts the disk, formatting an empty one; with another disk mounted, beside it for a migration. */
  async mountDisk(cid: string): Promise<void> {
    await this.#task('mount_disk', [cid], mountTimeoutMs);
  }

  async unmountDisk(cid: string): Promise<void> {
    await this.#task('unmount_disk', [cid]);
  }

  /** Copies the mounted disk to the one that was mounted for migration, and swaps them. */
  async migrateDisk(): Promise<void> {
    await this.#task('migrate_disk', [], migrateTimeoutMs);
  }

  /** Makes a user who may log in with this key and use sudo, as `bosh ssh` asks for. */
  async setUpSsh(user: string, publicKey: string): Promise<void> {
    await this.#call('ssh', ['setup', { user, public_key: publicKey }]);
  }

  /** Has the guest power itself off. A guest that goes before it has answered has done as it was told. */
  async shutDown(): Promise<void> {
    try {
      await this.#call('shutdown', []);
    } catch (error) {
      this.#forgive(error);
    }
  }

  get #host(): string {
    return new URL(this.#address.mbus).host;
  }

  #signals(signal: AbortSignal | undefined): AbortSignal | undefined {
    const own = this.#address.signal;
    return own && signal ? AbortSignal.any([own, signal]) : (signal ?? own);
  }

  /** Gives back an error after which another question may be answered; throws any other. */
  #forgive(error: unknown, signal?: AbortSignal): unknown {
    this.#signals(signal)?.throwIfAborted();
    if (error instanceof AgentUnreachable) return error;
    throw error;
  }

  async #taskIfKnown(method: string, args: JsonValue[]): Promise<void> {
    try {
      await this.#task(method, args);
    } catch (error) {
      if (!(error instanceof AgentRefused && error.unknownMethod)) throw error;
      this.#address.log.info(`the agent at ${this.#host} does not know ${method}`);
    }
  }

  /** Starts a task and asks for its result until it has one. */
  async #task(method: string, args: JsonValue[], timeoutMs = taskTimeoutMs): Promise<JsonValue> {
    const started = await this.#call(method, args);
    const id = taskIdIn(started);
    if (id === undefined) return started;
    const end = performance.now() + timeoutMs;
    let failures = 0;
    for (let waitMs = 50; performance.now() < end; waitMs = Math.min(waitMs * 2, 1_000)) {
      await pause(waitMs, this.#address.signal);
      try {
        const value = await this.#call('get_task', [id], { refusedMethod: method });
        if (taskIdIn(value) === undefined) return value;
        failures = 0;
      } catch (error) {
        const forgiven = this.#forgive(error);
        failures += 1;
        if (failures > forgivenQuestions) throw forgiven;
      }
    }
    throw this.#unfinished(method, timeoutMs);
  }

  #unfinished(method: string, timeoutMs: number): AgentUnreachable {
    return new AgentUnreachable(
      'AGENT_TIMEOUT',
      `The agent at ${this.#host} did not finish ${method} within ${timeoutMs / 60_000} min`,
    );
  }

  async #call(
    method: string,
    args: JsonValue[],
    {
      timeoutMs = requestTimeoutMs,
      signal,
      refusedMethod = method,
    }: CallOptions & { refusedMethod?: string } = {},
  ): Promise<JsonValue> {
    const { mbus, ca, road, log } = this.#address;
    const message = { method, arguments: args, reply_to: `boshvirt.${randomUUID()}` };
    const answer = await postJson(new URL('/agent', mbus), message, {
      ca,
      road,
      timeoutMs,
      signal: this.#signals(signal),
    });
    const { value, exception } = (answer ?? {}) as { value?: JsonValue; exception?: { message?: string } };
    log.debug(`agent: ${method} ${exception ? 'failed' : 'answered'}`);
    if (exception) throw new AgentRefused(this.#host, refusedMethod, exception.message ?? 'no reason given');
    return value ?? null;
  }
}

/** The id in `{agent_task_id, state: "running"}`; undefined for any other answer, a finished task's among them. */
function taskIdIn(value: JsonValue): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { agent_task_id: id, state } = value as { agent_task_id?: string; state?: string };
  return state === 'running' && id !== undefined ? String(id) : undefined;
}
