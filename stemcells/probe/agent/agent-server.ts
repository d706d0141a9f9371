import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Action, AgentWorld } from './actions.ts';
import type { TlsIdentity } from './settings.ts';
import { messageOf } from './small-files.ts';
import { Tasks } from './tasks.ts';

/** Where to listen and who may speak, from a URL `https://user:password@host:port`. */
export interface Mbus {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

const defaultPort = 6868;
const maxRequestBytes = 16 << 20;

/** Reads an mbus URL; undefined for anything but https (a director's NATS is no server of ours). */
export function parseMbus(url: string): Mbus | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port, username, password } = new URL(url);
  if (protocol !== 'https:') return undefined;
  return {
    host: hostname,
    port: port === '' ? defaultPort : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

/** The agent's HTTPS side (contract 5.3): POST /agent, PUT and GET /blobs/<id>, all with basic authentication. */
export function createAgentServer(
  mbus: Mbus,
  tls: TlsIdentity,
  actions: Readonly<Record<string, Action>>,
  world: AgentWorld,
): Server {
  const tasks = new Tasks();
  return createServer(
    { cert: tls.certificate, key: tls.privateKey, minVersion: 'TLSv1.2' },
    (request, response) => {
      serve(request, response).catch((error: unknown) => {
        world.log(`${request.method} ${request.url}: ${messageOf(error)}`);
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    },
  );

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isAllowed(request.headers.authorization, mbus)) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="bosh-agent"' }).end();
      return;
    }
    const blob = /^\/blobs\/(?:[\w-]+\/)*(\w[\w.-]*)$/.exec(request.url ?? '')?.[1];
    if (request.method === 'POST' && request.url === '/agent') await answerCall(request, response);
    else if (request.method === 'PUT' && blob) await keepBlob(request, response, blob);
    else if (request.method === 'GET' && blob) await sendBlob(response, blob);
    else response.writeHead(404).end();
  }

  async function answerCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: unknown;
    try {
      answer = { value: await call(await readJson(request)) };
    } catch (error) {
      answer = { exception: { message: messageOf(error) } };
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
  }

  async function call(body: { method?: unknown; arguments?: unknown }): Promise<unknown> {
    const name = String(body.method);
    const args = Array.isArray(body.arguments) ? body.arguments : [];
    if (name === 'get_task') return tasks.answer(String(args[0]));
    if (name === 'cancel_task') throw new Error('the probe agent cannot cancel a task; it ends by itself');
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    // the words that callers look for, to go on without a method that an agent has not (contract 5.3)
    if (!action) throw new Error(`unknown message ${name}`);
    if (!['ping', 'get_state'].includes(name)) world.log(`asked for ${name}`);
    if (!action.async) return await action.act(world, args);
    return { agent_task_id: tasks.begin(() => action.act(world, args)), state: 'running' };
  }

  async function keepBlob(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    await mkdir(world.blobFolder, { recursive: true });
    const arriving = join(world.blobFolder, `.${randomUUID()}`);
    try {
      await pipeline(request, createWriteStream(arriving, { mode: 0o600 }));
      await rename(arriving, join(world.blobFolder, id));
    } finally {
      await rm(arriving, { force: true });
    }
    response.writeHead(201).end();
  }

  async function sendBlob(response: ServerResponse, id: string): Promise<void> {
    const path = join(world.blobFolder, id);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': found.size });
    await pipeline(createReadStream(path), response);
  }
}

function isAllowed(header: string | undefined, { user, password }: Mbus): boolean {
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(wanted));
}

async function readJson(request: IncomingMessage): Promise<{ method?: unknown; arguments?: unknown }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxRequestBytes) throw new Error(`a request of more than ${maxRequestBytes} bytes`);
    chunks.push(chunk);
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new Error('a request must be a JSON object');
  return value;
}
