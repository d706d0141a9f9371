import type { IncomingMessage, ServerResponse } from 'node:http';
import { errnoOf, messageChain } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { CloudError } from '../errors.ts';
import { answerCall, type CallDeps } from './answer-call.ts';
import { receiveImage } from './receive-image.ts';
import { Refusal, refuse } from './refusal.ts';

export interface RequestDeps extends CallDeps {
  readonly identity: string;
  readonly log: Log;
}

/** The paths of the server, with the one method that each takes. Never throws: what goes wrong is answered and noted. */
export async function answerRequest(
  deps: RequestDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => {}); // the client left: whoever writes looks at that by itself
  try {
    await route(deps, request, response);
  } catch (error) {
    const refusal = toRefusal(error);
    deps.audit.note({ event: 'refused', status: refusal.status, why: refusal.message });
    refuse(response, refusal);
  }
}

async function route(deps: RequestDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '' } = request;
  const digest = /^\/images\/([^/]+)$/.exec(url)?.[1];
  if (digest !== undefined) {
    only('PUT', request);
    await receiveImage(deps, digest, request, response);
  } else if (url === '/cpi') {
    only('POST', request);
    await answerCall(deps, request, response);
  } else if (url === '/status') {
    only('GET', request);
    tellStatus(deps, response);
  } else throw new Refusal(404, 'CpiError', 'The CPI server has no such path');
}

function only(wanted: string, { method }: IncomingMessage): void {
  if (method !== wanted)
    throw new Refusal(405, 'CpiError', `That path of the CPI server takes ${wanted} alone`);
}

function tellStatus({ identity, queue }: RequestDeps, response: ServerResponse): void {
  const { running, waiting } = queue;
  response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify({ identity, pid: process.pid, running, waiting })}\n`);
}

const left = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'];

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof CloudError) return new Refusal(400, error.type, error.message, error.hints);
  if (left.includes(errnoOf(error) ?? ''))
    return new Refusal(400, 'CloudError', 'The client left in the middle of its request');
  return new Refusal(500, 'CloudError', `The CPI server failed: ${messageChain(error)}`);
}
