import type { JsonValue } from '../../cpi/backend.ts';
import { AgentClient, AgentDistrusted, AgentUnreachable } from '../../engine/agent-client/index.ts';
import type { GuestRoad } from '../../engine/engine.ts';
import { ToolError } from '../../platform/errors.ts';
import { silentLog } from '../../platform/log.ts';
import { run } from '../../platform/process.ts';
import { waitFor } from '../../platform/retry.ts';
import { type GuestCredentials, makeCredentials, mbusUrl } from './credentials.ts';
import type { Guest, GuestFacts, Guests } from './guest.ts';
import { diskScript, factsScript, powerOffScript, readFacts, readScript, writeScript } from './looks.ts';

/** A real stemcell takes more than a minute to boot where the processor is emulated. */
const bootTimeoutMs = 5 * 60_000;
const silenceTimeoutMs = 30_000;
const answerTimeoutMs = 2_000;
const shellTimeoutMs = 60_000;
/** sshd may come up a moment after the agent. */
const loginTimeoutMs = 30_000;
/** What ssh itself ends with when it has no connection. */
const noConnection = 255;
const user = 'bosh_verify';

interface RemoteOptions {
  /** For keys. */
  readonly folder: string;
  /** Of all guests that there may be: the agents' certificate names them. */
  readonly addresses: readonly string[];
  readonly road: GuestRoad;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Guests in VMs or containers of any CPI, reached over its network: agents that listen on HTTPS (which `env` tells them to),
 * and a shell by ssh for a user whom the agent makes.
 */
export async function remoteGuests(options: RemoteOptions): Promise<Guests> {
  const credentials = await makeCredentials(options.folder, options.addresses);
  return {
    env: credentials.env,
    secrets: credentials.secrets,
    at: (address) => new RemoteGuest(address, credentials, options),
    async [Symbol.asyncDispose]() {},
  };
}

class RemoteGuest implements Guest {
  readonly #address: string;
  readonly #credentials: GuestCredentials;
  readonly #options: RemoteOptions;

  constructor(address: string, credentials: GuestCredentials, options: RemoteOptions) {
    this.#address = address;
    this.#credentials = credentials;
    this.#options = options;
  }

  get #agent(): AgentClient {
    const { road, signal } = this.#options;
    const mbus = mbusUrl(this.#address, this.#credentials);
    return new AgentClient({
      mbus,
      ca: this.#credentials.ca,
      road,
      log: silentLog,
      ...(signal ? { signal } : {}),
    });
  }

  async awake(): Promise<void> {
    await this.#agent.ping({ timeoutMs: bootTimeoutMs });
  }

  async silent(): Promise<boolean> {
    const listen = async () => ((await this.#answers()) ? undefined : true);
    return (await waitFor(listen, { timeoutMs: silenceTimeoutMs, signal: this.#options.signal })) ?? false;
  }

  async #answers(): Promise<boolean> {
    try {
      await this.#agent.ping({ timeoutMs: answerTimeoutMs });
      return true;
    } catch (error) {
      if (error instanceof AgentDistrusted) return true;
      if (error instanceof AgentUnreachable) return false;
      throw error;
    }
  }

  async agentId(): Promise<string> {
    return String((await this.#agent.getState()).agent_id ?? 'none told');
  }

  async facts(): Promise<GuestFacts> {
    return readFacts(await this.#shell(factsScript));
  }

  async diskMb(cid: string, hint: JsonValue): Promise<number | undefined> {
    const bytes = (await this.#shell(diskScript(cid, hint))).trim();
    return bytes === '' ? undefined : Number(bytes) / 2 ** 20;
  }

  async mount(cid: string, hint: JsonValue): Promise<void> {
    await this.#agent.addPersistentDisk(cid, hint);
    await this.#agent.mountDisk(cid);
  }

  async unmount(cid: string): Promise<void> {
    await this.#agent.unmountDisk(cid);
    await this.#agent.removePersistentDisk(cid);
  }

  async migrate(from: string): Promise<void> {
    await this.#agent.migrateDisk();
    await this.#agent.removePersistentDisk(from);
  }

  async mounted(): Promise<string[]> {
    return await this.#agent.listDisk();
  }

  async write(path: string, text: string): Promise<void> {
    await this.#shell(writeScript(path, text));
  }

  async read(path: string): Promise<string | undefined> {
    const [there, content] = (await this.#shell(readScript(path))).split(/\n(.*)/s);
    return there === 'there' ? (content ?? '') : undefined;
  }

  async powerOff(): Promise<void> {
    await this.#shell(powerOffScript);
  }

  /** Runs a script as root. The agent is asked to let us in when we are not yet: a VM that was made again knows nobody. */
  async #shell(script: string): Promise<string> {
    const { road, signal } = this.#options;
    const options = [
      'IdentitiesOnly=yes',
      'UserKnownHostsFile=/dev/null',
      'StrictHostKeyChecking=no',
      'BatchMode=yes',
      'LogLevel=ERROR',
      'ConnectTimeout=10',
      'ServerAliveInterval=10',
    ].flatMap((option) => ['-o', option]);
    const ssh = ['ssh', '-F', 'none', '-i', this.#credentials.privateKeyPath, ...options];
    const argv = [...road.commandPrefix, ...ssh, `${user}@${this.#address}`, 'sudo -n sh -s'];
    const attempt = async (): Promise<string | undefined> => {
      try {
        const result = await run(argv as [string, ...string[]], {
          input: script,
          timeoutMs: shellTimeoutMs,
          signal,
        });
        return result.stdout;
      } catch (error) {
        if (!(error instanceof ToolError && error.exitCode === noConnection)) throw error;
        await this.#agent.setUpSsh(user, this.#credentials.publicKey);
        return undefined;
      }
    };
    const output = await waitFor(attempt, { timeoutMs: loginTimeoutMs, intervalMs: 500, signal });
    if (output !== undefined) return output;
    throw new ToolError('TEMPORARY', `${user} cannot log in at ${this.#address} by ssh`);
  }
}
