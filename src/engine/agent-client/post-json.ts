import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { messageOf, ToolError } from '../../platform/errors.ts';
import type { GuestRoad, JsonValue } from '../engine.ts';

interface PostOptions {
  readonly ca: string;
  readonly road: GuestRoad;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Posts JSON over HTTPS and gives the JSON that comes back. One connection each: the road may be a child process. The
 * certificate has to be signed by `ca` and to name the host. Throws a ToolError TEMPORARY.
 */
export async function postJson(url: URL, body: JsonValue, options: PostOptions): Promise<JsonValue> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  const stream = await options.road.dial(url.hostname, Number(url.port || 443), {
    timeoutMs: options.timeoutMs,
    signal,
  });
  try {
    const text = await exchange(url, JSON.stringify(body), stream, options.ca, signal);
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    options.signal?.throwIfAborted();
    const why = deadline.aborted ? `no answer within ${options.timeoutMs / 1000} s` : messageOf(error);
    throw new ToolError('TEMPORARY', `https://${url.host}${url.pathname}: ${why}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

async function exchange(
  url: URL,
  body: string,
  stream: Duplex,
  ca: string,
  signal: AbortSignal,
): Promise<string> {
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({
      method: 'POST',
      host: url.hostname,
      path: url.pathname,
      agent: false,
      signal,
      createConnection: () => connectTls({ socket: stream, host: url.hostname, ca }),
      headers: {
        authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        connection: 'close',
      },
    });
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}: ${text.slice(0, 200)}`);
  return text;
}
