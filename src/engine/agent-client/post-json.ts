import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { messageOf } from '../../platform/errors.ts';
import type { GuestRoad, JsonValue } from '../engine.ts';
import { AgentDistrusted, AgentUnreachable } from './errors.ts';

interface PostOptions {
  readonly ca: string;
  readonly road: GuestRoad;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Posts JSON over HTTPS and gives the JSON that comes back. One connection each: the road may be a child process. The
 * certificate has to be signed by `ca` and to name the host. Throws AgentUnreachable or AgentDistrusted.
 */
export async function postJson(url: URL, body: JsonValue, options: PostOptions): Promise<JsonValue> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  try {
    const stream = await options.road.dial(url.hostname, Number(url.port || 443), {
      timeoutMs: options.timeoutMs,
      signal,
    });
    try {
      return JSON.parse(await exchange(url, JSON.stringify(body), stream, options.ca, signal)) as JsonValue;
    } finally {
      stream.destroy();
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof AgentDistrusted) throw error;
    const why = deadline.aborted ? `no answer within ${options.timeoutMs / 1000} s` : messageOf(error);
    throw new AgentUnreachable('TEMPORARY', `https://${url.host}${url.pathname}: ${why}`, { cause: error });
  }
}

async function exchange(
  url: URL,
  body: string,
  stream: Duplex,
  ca: string,
  signal: AbortSignal,
): Promise<string> {
  const response = await respond(url, body, stream, ca, signal);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (response.statusCode === 401) throw new AgentDistrusted(url.host, 'it refuses the password');
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}: ${text.slice(0, 200)}`);
  return text;
}

async function respond(
  url: URL,
  body: string,
  stream: Duplex,
  ca: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  let tls: TLSSocket | undefined;
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({
      method: 'POST',
      host: url.hostname,
      path: url.pathname,
      signal,
      // no `agent`, not even false: with one Node would ignore this and dial by itself, past the road
      createConnection: () => {
        tls = connectTls({ socket: stream, host: url.hostname, ca });
        return tls;
      },
      headers: {
        authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        connection: 'close',
      },
    });
    outgoing.once('response', resolve);
    outgoing.on('error', (error) => {
      // set only when the peer's certificate was looked at and found wanting
      const distrust = tls?.authorizationError ?? undefined;
      reject(distrust === undefined ? error : new AgentDistrusted(url.host, messageOf(error), error));
    });
    outgoing.end(body);
  });
}
