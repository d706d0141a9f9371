/** Requests for a host that serves its own CPI: this process is a client of `boshvirt cpi serve` there (docs/cpi-serve.md). */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../platform/errors.ts';
import type { AgentConfig, ServedHost } from './config.ts';
import { CloudError } from './errors.ts';
import type { CpiResponse } from './wire.ts';

interface Elsewhere {
  readonly host: ServedHost;
  /** What agents are told: the director's words, which that host has not heard. */
  readonly agent: AgentConfig;
  writeLog(text: string): void;
}

const connectTimeoutMs = 15_000;
/** Of silence; then the kernel asks whether the host is still there, and ends the connection where nobody says so. */
const keepaliveMs = 20_000;
/** The host asks for a stemcell's image by its path; it may be gone there between its sending and its use. */
const imageWanted = 428;
const rounds = 3;

/** Hands one request over and gives the host's answer; the lines of its log go on. Throws a CloudError if no answer comes. */
export async function askElsewhere(requestText: string, elsewhere: Elsewhere): Promise<CpiResponse> {
  let digest: string | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const { status, body } = await post(requestText, digest, elsewhere);
    if (status !== imageWanted) return answerIn(body, status, elsewhere);
    digest = await sendImage(body, requestText, elsewhere);
  }
  throw new CloudError('CloudError', `${elsewhere.host.url} asked ${rounds} times for the stemcell's image`);
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

async function post(requestText: string, digest: string | undefined, elsewhere: Elsewhere): Promise<Reply> {
  const agent = Buffer.from(JSON.stringify(elsewhere.agent)).toString('base64');
  return await send(elsewhere.host, {
    method: 'POST',
    path: '/cpi',
    headers: {
      'content-type': 'application/json',
      'boshvirt-agent': agent,
      ...(digest === undefined ? {} : { 'boshvirt-image': digest }),
    },
    body: Buffer.from(requestText),
  });
}

/** Sends the image that the request names, unless the host knows its digest, which it gives. */
async function sendImage(path: string, requestText: string, { host }: Elsewhere): Promise<string> {
  const { arguments: args } = JSON.parse(requestText) as { arguments: unknown[] };
  if (args[0] !== path)
    throw new CloudError('CpiError', `${host.url} asked for '${path}', which the request does not name`);
  const digest = await digestOf(path);
  const { status, body } = await send(host, {
    method: 'PUT',
    path: `/images/${digest}`,
    headers: {
      'if-none-match': '*',
      'content-length': String((await stat(path)).size),
      expect: '100-continue',
    },
    body: path,
  });
  if (status === 201 || status === 412) return digest;
  throw new CloudError(
    'CloudError',
    `${host.url} did not take the stemcell's image: ${saidIn(body, status)}`,
  );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes, or the path of a file that is sent if the host wants it. */
  readonly body: Buffer | string;
}

/** A call takes as long as it takes; only connecting has a limit, and how long a host may be gone. */
async function send(host: ServedHost, { method, path, headers, body }: Outgoing): Promise<Reply> {
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = httpsRequest(`${host.url}${path}`, {
        ...{ method, headers, agent: false, minVersion: 'TLSv1.2' },
        ...{ ca: host.ca, cert: host.certificate, key: host.private_key },
      });
      const timer = setTimeout(
        () => outgoing.destroy(new Error(`no connection within ${connectTimeoutMs / 1000} s`)),
        connectTimeoutMs,
      );
      outgoing.once('socket', (socket) => {
        socket.setKeepAlive(true, keepaliveMs);
        socket.once('secureConnect', () => clearTimeout(timer));
      });
      outgoing.once('close', () => clearTimeout(timer));
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
      if (typeof body !== 'string') {
        outgoing.end(body);
        return;
      }
      // the host says first whether it wants the file
      outgoing.once('continue', () => pipeline(createReadStream(body), outgoing).catch(reject));
      outgoing.flushHeaders();
    });
    return { status: response.statusCode ?? 0, body: await text(response) };
  } catch (error) {
    throw new CloudError('CloudError', `The CPI server ${host.url} of another host: ${messageOf(error)}`, {
      cause: error,
      hints: [
        'boshvirt host list tells how the host is; on the host, boshvirt status and boshvirt recover',
        'a call that had begun goes on there: its log on the host, cpi-server.log, tells how it ended',
      ],
    });
  }
}

/** Log lines, then the answer as the last one. */
function answerIn(body: string, status: number, { writeLog, host }: Elsewhere): CpiResponse {
  const lines = body.trimEnd().split('\n');
  const last = lines.pop() ?? '';
  const answer = parsed(last);
  if (answer === undefined)
    throw new CloudError(
      'CloudError',
      `What answers at ${host.url} is no CPI server of boshvirt: HTTP status ${status}`,
    );
  if (lines.length > 0) writeLog(`${lines.join('\n')}\n`);
  return answer;
}

const saidIn = (body: string, status: number): string =>
  parsed(body.trimEnd().split('\n').at(-1) ?? '')?.error?.message ?? `HTTP status ${status}`;

function parsed(line: string): CpiResponse | undefined {
  try {
    const value = JSON.parse(line) as CpiResponse | null;
    return value !== null && typeof value === 'object' && 'result' in value ? value : undefined;
  } catch {
    return undefined;
  }
}
