import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { parseJson } from '../../platform/parse-json.ts';
import type { JsonObject } from '../backend.ts';
import { readAgentPart } from './agent-part.ts';
import type { AuditLog } from './audit-log.ts';
import { callFacts } from './call-facts.ts';
import type { CallQueue } from './call-queue.ts';
import { type HeldImage, type ImageStore, isDigest } from './image-store.ts';
import type { ServeLimits } from './limits.ts';
import { readBody } from './read-body.ts';
import { type Outcome, runCall } from './run-call.ts';

/** What calls are answered with. */
export interface CallDeps {
  /** What starts `boshvirt cpi`. */
  readonly command: readonly [string, ...string[]];
  /** Its configuration without the part of the agents. */
  readonly cpiConfig: JsonObject;
  /** For the configuration of each call: private to the user. */
  readonly folder: string;
  readonly images: ImageStore;
  readonly queue: CallQueue;
  readonly audit: AuditLog;
  readonly limits: ServeLimits;
}

/** Asks the client for the image of its create_stemcell: the body is the path that the request names. */
const imageWanted = 428;

/**
 * One POST, one CPI request, one answer: lines of the call's log as they come, then the answer as the last line. A
 * create_stemcell whose image is not here is answered with 428 and the image's path, nothing else done. Throws a Refusal for
 * what is no request.
 */
export async function answerCall(
  deps: CallDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const agent = readAgentPart(headerOf(request, 'boshvirt-agent'));
  const text = (await readBody(request, deps.limits.requestBytes)).toString('utf8');
  request.socket.setTimeout(0); // from now on it is the client that waits
  const call = parseJson(text); // of what is none the CPI says so in its own words
  const imagePath = imagePathIn(call);
  if (imagePath === undefined) return await carryOut(deps, { call, text, agent }, response);
  const digest = headerOf(request, 'boshvirt-image') ?? '';
  const image = isDigest(digest) ? await deps.images.take(digest) : undefined;
  if (!image) return askForImage(response, imagePath);
  await carryOut(
    deps,
    { call, text: withImage(call as StemcellCall, image), agent, image, digest },
    response,
  );
}

const headerOf = ({ headers }: IncomingMessage, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
};

interface StemcellCall {
  readonly method: 'create_stemcell';
  readonly arguments: readonly [string, ...unknown[]];
}

/** create_stemcell is the one method with a path in it, and that path is another machine's. */
function imagePathIn(call: unknown): string | undefined {
  const { method, arguments: args } = (call ?? {}) as { method?: unknown; arguments?: unknown };
  if (method !== 'create_stemcell' || !Array.isArray(args)) return undefined;
  return typeof args[0] === 'string' ? args[0] : undefined;
}

function withImage(call: StemcellCall, image: HeldImage): string {
  const [, ...others] = call.arguments;
  return JSON.stringify({ ...call, arguments: [image.path, ...others] });
}

function askForImage(response: ServerResponse, path: string): void {
  response.writeHead(imageWanted, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(path);
}

interface Work {
  readonly call: unknown;
  readonly text: string;
  readonly agent: JsonObject;
  /** The image that the text names by now. */
  readonly image?: HeldImage;
  readonly digest?: string;
}

/** Runs the call in its turn, whether or not the client stays; one that left before its turn is not begun. */
async function carryOut(deps: CallDeps, work: Work, response: ServerResponse): Promise<void> {
  const came = performance.now();
  let outcome: Outcome = notBegun;
  let hasLeft = false;
  response.once('close', () => {
    hasLeft = !response.writableFinished;
  });
  const write = (line: string) => {
    if (!hasLeft) response.write(`${line}\n`);
  };
  const act = async (): Promise<Outcome> => {
    if (hasLeft) return notBegun;
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
    response.flushHeaders(); // the client may tell a call that began from one that did not
    return await withConfiguration(deps, work.agent, async (path) => {
      const argv = [...deps.command, '--config', path] as [string, ...string[]];
      return await runCall({ argv, text: work.text, onLog: write });
    });
  };
  try {
    await deps.queue.run(async () => {
      const began = performance.now();
      outcome = await act();
      deps.audit.note({
        ...callFacts(work.call),
        image: work.digest?.slice(0, 12),
        waitedMs: Math.round(began - came),
        ms: Math.round(performance.now() - began),
        outcome: outcome.word,
        client: hasLeft ? 'left' : undefined,
      });
    });
  } finally {
    await work.image?.release(outcome.word === 'ok');
  }
  write(outcome.answer);
  response.end();
}

const notBegun: Outcome = { answer: '', word: 'not begun' };

async function withConfiguration<T>(
  { folder, cpiConfig }: CallDeps,
  agent: JsonObject,
  act: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(folder, `call-${randomBytes(6).toString('hex')}.json`);
  try {
    await writeFile(path, JSON.stringify({ ...cpiConfig, agent }), { mode: 0o600, flag: 'wx' });
    return await act(path);
  } finally {
    await rm(path, { force: true });
  }
}
