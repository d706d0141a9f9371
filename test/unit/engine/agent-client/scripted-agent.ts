/** An agent's HTTPS server: answers POST /agent with what `act` gives, asynchronous methods through get_task. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { GuestRoad } from '../../../../src/engine/engine.ts';
import { ToolError } from '../../../../src/platform/errors.ts';

export interface Identity {
  readonly certificate: string;
  readonly private_key: string;
  readonly ca: string;
}

export type Message = { readonly method: string; readonly arguments: readonly unknown[] };
/** Throws for an exception in the agent's answer. */
export type Act = (message: Message) => unknown;

const asynchronous = new Set(
  'stop drain apply mount_disk unmount_disk migrate_disk run_script add_persistent_disk remove_persistent_disk'.split(
    ' ',
  ),
);

export class ScriptedAgent implements AsyncDisposable {
  readonly #server: Server;
  readonly password: string;
  /** How many times a task is still running when asked. */
  taskRounds = 0;
  /** Requests to be answered with status 500. */
  hiccups = 0;
  /** Takes requests and never answers them. */
  isSilent = false;
  /** false: nothing listens, as while a guest boots. */
  isThere = true;
  readonly #tasks = new Map<string, { rounds: number; answer: object }>();

  private constructor(server: Server, password: string) {
    this.#server = server;
    this.password = password;
  }

  static async start(identity: Identity, act: Act, password = 'mbus-password'): Promise<ScriptedAgent> {
    const server = createServer({ cert: identity.certificate, key: identity.private_key });
    const agent = new ScriptedAgent(server, password);
    server.on('request', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const wanted = `Basic ${Buffer.from(`mbus:${password}`).toString('base64')}`;
      if (agent.isSilent) return;
      if (request.headers.authorization !== wanted) response.writeHead(401).end('no');
      else if (request.url !== '/agent') response.writeHead(404).end();
      else if (agent.hiccups > 0) {
        agent.hiccups -= 1;
        response.writeHead(500).end('a bad moment');
      } else
        response.end(
          JSON.stringify(agent.#answer(JSON.parse(Buffer.concat(chunks).toString()) as Message, act)),
        );
    });
    server.on('tlsClientError', () => {}); // the client's side of it is what a test looks at
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return agent;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Leads to this server whatever the address, as a road through a network namespace does. */
  get road(): GuestRoad {
    return {
      commandPrefix: [],
      dial: async (host, port) => {
        if (!this.isThere)
          throw new ToolError('TEMPORARY', `${host} port ${port} cannot be reached: refused`);
        const socket = connect(this.port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      },
    };
  }

  #answer(message: Message, act: Act): object {
    if (message.method === 'get_task') return this.#taskAnswer(String(message.arguments[0]));
    let answer: object;
    try {
      answer = { value: act(message) ?? null };
    } catch (error) {
      answer = { exception: { message: (error as Error).message } };
    }
    if (
      !asynchronous.has(message.method) ||
      ('exception' in answer && /unknown message/.test(JSON.stringify(answer)))
    )
      return answer;
    const id = String(this.#tasks.size + 1);
    this.#tasks.set(id, { rounds: this.taskRounds, answer });
    return { value: { agent_task_id: id, state: 'running' } };
  }

  #taskAnswer(id: string): object {
    const task = this.#tasks.get(id);
    if (!task) return { exception: { message: `Task with id ${id} could not be found` } };
    if (task.rounds-- > 0) return { value: { agent_task_id: id, state: 'running' } };
    return task.answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
