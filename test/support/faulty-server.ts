/** An HTTP server on this machine that does to a download what servers and networks do. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the server does with one request. */
export type Behaviour = (
  request: IncomingMessage,
  response: ServerResponse,
  arrival: (length: number) => Promise<void>,
) => unknown;

export interface FaultyServer extends AsyncDisposable {
  readonly port: number;
  /** What came, in order. */
  readonly requests: readonly {
    path: string;
    range: string | undefined;
    ifRange: string | undefined;
    host: string | undefined;
    authorization: string | undefined;
  }[];
  /** How many bytes of content were handed over. */
  readonly bytesServed: number;
  url(path: string): string;
  /** Each request for `path` meets the next behaviour; the last one stays. */
  on(path: string, ...behaviours: Behaviour[]): string;
}

/**
 * `arrival` resolves once so many bytes of a file are where the other side keeps them: before a connection breaks they have
 * to be there, else they may be lost on the way.
 */
export async function faultyServer(arrival: (length: number) => Promise<void>): Promise<FaultyServer> {
  const requests: FaultyServer['requests'][number][] = [];
  const behaviours = new Map<string, Behaviour[]>();
  let bytesServed = 0;
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const { range, host, authorization } = request.headers;
    requests.push({ path, range, ifRange: request.headers['if-range']?.toString(), host, authorization });
    const write = response.write.bind(response) as (chunk: Buffer) => boolean;
    response.write = (chunk: Buffer) => {
      bytesServed += chunk.length;
      return write(chunk);
    };
    const left = behaviours.get(path) ?? [refuses(404)];
    const [behaviour = refuses(404)] = left;
    if (left.length > 1) left.shift();
    behaviour(request, response, arrival);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = (path: string) => `http://127.0.0.1:${port}${path}`;
  return {
    port,
    requests,
    url,
    get bytesServed() {
      return bytesServed;
    },
    on(path, ...list) {
      behaviours.set(path, list);
      return url(path);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Some bytes that nobody can guess, with what is known of them. */
export function content(length: number) {
  const bytes = randomBytes(length);
  const hash = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
  return { bytes, sha1: hash('sha1'), sha256: hash('sha256'), etag: `"${hash('md5')}"` };
}
export type Content = ReturnType<typeof content>;

/** Of a file, to be compared with that of a content: two long texts take minutes to be shown where they differ. */
export const sha256Of = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

/** Answers as a good server does, with ranges; `headers` take the place of what it would say. */
export const serves =
  ({ bytes, etag }: Content, headers: Readonly<Record<string, string | undefined>> = {}): Behaviour =>
  (request, response) => {
    answer(request, response, bytes, { etag, ...headers });
    response.end();
  };

/** Breaks the connection off once `length` bytes of what was asked for have arrived. */
export const breaksAfter =
  (
    length: number,
    { bytes, etag }: Content,
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Behaviour =>
  async (request, response, arrival) => {
    const from = answer(request, response, bytes, { etag, ...headers }, length);
    await arrival(Math.min(from + length, bytes.length));
    response.destroy();
  };

/** Sends `length` bytes and then nothing more. */
export const stallsAfter =
  (length: number, { bytes, etag }: Content): Behaviour =>
  (request, response) =>
    answer(request, response, bytes, { etag }, length);

/** Sends in `pieces`, with a rest of `pauseMs` before each. */
export const trickles =
  (pieces: number, pauseMs: number, { bytes, etag }: Content): Behaviour =>
  async (_, response) => {
    response.writeHead(200, { etag, 'content-length': bytes.length });
    const size = Math.ceil(bytes.length / pieces);
    for (let at = 0; at < bytes.length; at += size) {
      await sleep(pauseMs);
      response.write(bytes.subarray(at, at + size));
    }
    response.end();
  };

/** Knows nothing of ranges. */
export const servesWholeOnly =
  ({ bytes, etag }: Content): Behaviour =>
  (_, response) => {
    response.writeHead(200, { etag, 'content-length': bytes.length });
    response.write(bytes);
    response.end();
  };

/** Sends the rest that it is asked for, whichever version of the file the rest is wanted of. */
export const ignoresVersions =
  ({ bytes, etag }: Content, headers: Readonly<Record<string, string | undefined>> = {}): Behaviour =>
  (request, response) => {
    delete request.headers['if-range'];
    answer(request, response, bytes, { etag, ...headers });
    response.end();
  };

/** Sends the content in chunks of unknown number, with `more` after it. */
export const servesWithoutLength =
  ({ bytes }: Content, more = Buffer.alloc(0)): Behaviour =>
  (_, response) => {
    response.writeHead(200);
    response.write(bytes);
    if (more.length > 0) response.write(more);
    response.end();
  };

/** Promises `claimed` bytes, sends the content and ends the connection. */
export const claims =
  (claimed: number, { bytes }: Content): Behaviour =>
  async (_, response, arrival) => {
    response.writeHead(200, { 'content-length': claimed });
    response.write(bytes);
    await arrival(Math.min(claimed, bytes.length));
    response.socket?.end();
  };

export const refuses =
  (status: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  (_, response) =>
    response.writeHead(status, { ...headers }).end('no');

export const redirects = (to: string, status = 302): Behaviour => refuses(status, { location: to });

/** Ends the connection without an answer. */
export const hangsUp: Behaviour = (_, response) => response.destroy();

/** Takes the request and says nothing. */
export const isSilent: Behaviour = () => {};

/** Sends `length` bytes from where the request wants them, and gives where that is. */
function answer(
  { headers: asked }: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  headers: Readonly<Record<string, string | undefined>>,
  length = bytes.length,
): number {
  const said = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  const version = asked['if-range'];
  const isSame = version === undefined || version === said.etag || version === said['last-modified'];
  const from = isSame ? Number(/^bytes=(\d+)-$/.exec(asked.range ?? '')?.[1] ?? 0) : 0;
  const range = from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from, ...range, ...said });
  response.write(bytes.subarray(from, from + length));
  return from;
}
