import { randomUUID } from 'node:crypto';
import { messageOf, ToolError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { pause, waitFor } from '../../platform/retry.ts';
import type { GuestRoad, JsonValue } from '../engine.ts';
import { postJson } from './post-json.ts';

export interface AgentAddress {
  /** `https://user:password@host:port`. */
  readonly mbus: string;
  /** PEM: who has to have signed the agent's certificate. */
  readonly ca: string;
  readonly road: GuestRoad;
  readonly log: Log;
}

export interface AgentState {
  readonly job_state?: string;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const requestTimeoutMs = 30_000;
/** Formatting and copying a disk takes its time under emulation. */
const taskTimeoutMs = 30 * 60_000;
const pingIntervalMs = 300;

/** One agent. Every method throws a ToolError: AGENT_TIMEOUT for silence, CREATE_ENV for what the agent refused. */
export class AgentClient {
  readonly #address: AgentAddress;

  constructor(address: AgentAddress) {
    this.#address = address;
  }

  /** Asks until the agent answers or `timeoutMs` have passed. */
  async ping({ timeoutMs = requestTimeoutMs, signal }: CallOptions = {}): Promise<void> {
    let last: unknown;
    const answered = await waitFor(
      async () => {
        try {
          await this.#call('ping', [], {
            timeoutMs: Math.min(timeoutMs, 5_000),
            ...(signal ? { signal } : {}),
          });
          return true;
        } catch (error) {
          signal?.throwIfAborted();
          last = error;
          return undefined;
        }
      },
      { timeoutMs, intervalMs: pingIntervalMs, signal },
    );
    if (answered) return;
    throw new ToolError(
      'AGENT_TIMEOUT',
      `The agent at ${this.#host} did not answer within ${timeoutMs / 1000} s: ${messageOf(last)}`,
      {
        cause: last,
        hints: ['boshvirt logs shows what the machine says on its console'],
      },
    );
  }

  async getState(): Promise<AgentState> {
    return (await this.#call('get_state', [])) as AgentState;
  }

  /** CIDs of the persistent disks that are mounted. */
  async listDisk(): Promise<string[]> {
    return (await this.#call('list_disk', [])) as unknown as string[];
  }

  async start(): Promise<void> {
    const answer = await this.#call('start', []);
    if (answer !== 'started') throw this.#refused('start', `it answered ${JSON.stringify(answer)}`);
  }

  async stop(): Promise<void> {
    await this.#task('stop', []);
  }

  async apply(spec: JsonValue): Promise<void> {
    await this.#task('apply', [spec]);
  }

  /** Waits for jobs to give up their work; a negative answer asks for a later second question. */
  async drain(): Promise<void> {
    let seconds = Number(await this.#task('drain', ['shutdown', {}]));
    while (seconds < 0) {
      await pause(-seconds * 1000);
      seconds = Number(await this.#task('drain', ['status', {}]));
    }
    if (seconds > 0) await pause(seconds * 1000);
  }

  /** Agents that do not know scripts are forgiven, as bosh does. */
  async runScript(name: string): Promise<void> {
    await this.#taskIfKnown('run_script', [name, {}]);
  }

  async addPersistentDisk(cid: string, hint: JsonValue): Promise<void> {
    await this.#taskIfKnown('add_persistent_disk', [cid, hint]);
  }

  async removePersistentDisk(cid: string): Promise<void> {
    await this.#taskIfKnown('remove_persistent_disk', [cid]);
  }

  async mountDisk(cid: string): Promise<void> {
    await this.#task('mount_disk', [cid]);
  }

  async unmountDisk(cid: string): Promise<void> {
    await this.#task('unmount_disk', [cid]);
  }

  /** Copies the mounted disk to the one that was mounted for migration, and swaps them. */
  async migrateDisk(): Promise<void> {
    await this.#task('migrate_disk', []);
  }

  get #host(): string {
    return new URL(this.#address.mbus).host;
  }

  async #taskIfKnown(method: string, args: JsonValue[]): Promise<void> {
    try {
      await this.#task(method, args);
    } catch (error) {
      if (!/unknown message/i.test(messageOf(error))) throw error;
    }
  }

  /** Starts a task and asks for its result until it has one. */
  async #task(method: string, args: JsonValue[]): Promise<JsonValue> {
    const started = await this.#call(method, args);
    const id = taskIdIn(started);
    if (id === undefined) return started;
    const result = await waitFor(
      async () => {
        const value = await this.#call('get_task', [id]);
        return taskIdIn(value) === undefined ? { value } : undefined;
      },
      { timeoutMs: taskTimeoutMs, intervalMs: 200 },
    );
    if (result) return result.value;
    throw new ToolError(
      'AGENT_TIMEOUT',
      `The agent at ${this.#host} did not finish ${method} within ${taskTimeoutMs / 60_000} min`,
    );
  }

  async #call(
    method: string,
    args: JsonValue[],
    { timeoutMs = requestTimeoutMs, signal }: CallOptions = {},
  ): Promise<JsonValue> {
    const { mbus, ca, road, log } = this.#address;
    const message = { method, arguments: args, reply_to: `boshvirt.${randomUUID()}` };
    const answer = await postJson(new URL('/agent', mbus), message, {
      ca,
      road,
      timeoutMs,
      ...(signal ? { signal } : {}),
    });
    const { value, exception } = answer as { value?: JsonValue; exception?: { message?: string } };
    log.debug(`agent: ${method} ${exception ? 'failed' : 'answered'}`);
    if (exception) throw this.#refused(method, exception.message ?? 'no reason given');
    return value ?? null;
  }

  #refused(method: string, why: string): ToolError {
    return new ToolError('CREATE_ENV', `The agent at ${this.#host} failed at ${method}: ${why}`, {
      hints: ['boshvirt logs --source agent shows what it did'],
    });
  }
}

/** The id in `{agent_task_id, state: "running"}`; undefined for any other answer, a finished task's among them. */
function taskIdIn(value: JsonValue): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { agent_task_id: id, state } = value as { agent_task_id?: string; state?: string };
  return state === 'running' ? id : undefined;
}
