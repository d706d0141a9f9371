import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { GuestRoad } from '../../engine/engine.ts';
import { messageOf, ToolError } from '../../platform/errors.ts';

/** Where an HTTPS service of a guest is, and how to know it. */
export interface Service {
  readonly url: string;
  /** PEM of who signed its certificate; undefined: whatever it shows is taken. */
  readonly ca: string | undefined;
  /** Address to dial instead of the host in `url`, whose name the certificate has to be for all the same. */
  readonly address?: string;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const timeoutMs = 20_000;

/**
 * Asks an HTTPS service over the road to guests: one connection each, since the road may be a child process. Throws a
 * ToolError TEMPORARY that names the service if nobody answers, or somebody whom `ca` does not vouch for.
 */
export async function askService(
  service: Service,
  question: Question,
  { road, signal }: { road: GuestRoad; signal: AbortSignal },
): Promise<Answer> {
  const url = new URL(service.url);
  const deadline = AbortSignal.timeout(timeoutMs);
  const ending = AbortSignal.any([signal, deadline]);
  const { Client } = await import('./http-client.ts'); // 0.1 s, which commands that ask nobody must not take
  const client = new Client(url.origin, {
    connect: (_, done) => {
      secureRoad(service, url, road, ending).then(
        (socket) => done(null, socket),
        (error: Error) => done(error, null),
      );
    },
  });
  try {
    const { statusCode, body } = await client.request({ ...question, signal: ending });
    return { status: statusCode, text: await body.text() };
  } catch (error) {
    signal.throwIfAborted();
    const why = deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error);
    throw new ToolError('TEMPORARY', `${question.method} ${url.origin}: ${why}`, { cause: error });
  } finally {
    await client.destroy();
  }
}

async function secureRoad(
  { ca, address }: Service,
  { hostname, port }: URL,
  road: GuestRoad,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const stream = await road.dial(address ?? hostname, Number(port || 443), { timeoutMs, signal });
  return await secure(stream, hostname, ca, signal);
}

async function secure(
  stream: Duplex,
  host: string,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
  const socket = connectTls({ socket: stream, host, ...trust });
  try {
    await once(socket, 'secureConnect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    stream.destroy();
    throw error;
  }
}
