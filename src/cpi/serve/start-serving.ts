import { once } from 'node:events';
import { mkdir, readdir, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { errnoOf, messageOf, UserError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { JsonObject } from '../backend.ts';
import { answerRequest, type RequestDeps } from './answer-request.ts';
import { AuditLog } from './audit-log.ts';
import { CallQueue } from './call-queue.ts';
import { ImageStore } from './image-store.ts';
import { type ServeLimits, usualLimits } from './limits.ts';
import { watchStrangers } from './strangers.ts';
import { createTlsServer, type TlsFiles } from './tls-server.ts';

export interface ServeOptions {
  /** The one address that it listens on. */
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: TlsFiles;
  /** A folder for it alone, made if need be: images, the configurations of running calls. */
  readonly folder: string;
  readonly auditPath: string;
  /** What starts `boshvirt cpi`. */
  readonly command: readonly [string, ...string[]];
  /** Its configuration without the part of the agents, which clients say. */
  readonly cpiConfig: JsonObject;
  /** Told to clients that ask how it is: tells a server of these inputs from one of others. */
  readonly identity: string;
  readonly limits?: Partial<ServeLimits>;
  readonly log: Log;
}

export interface Serving {
  readonly port: number;
  /** Accepts nothing more and waits for the calls that run. */
  close(): Promise<void>;
}

/** What is on its way when the last call has ended, a refusal say, gets so long. */
const lastWordsMs = 2_000;
const sweepMs = 10 * 60_000;

/**
 * Serves the CPI by HTTPS to clients with a certificate (docs/cpi-serve.md). Throws a UserError if it cannot listen there or
 * the certificates are none.
 */
export async function startServing(options: ServeOptions): Promise<Serving> {
  const { folder, log } = options;
  const limits = { ...usualLimits, ...options.limits };
  const server = createTlsServer(options.tls, limits);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await forgetCalls(folder);
  const audit = new AuditLog({ path: options.auditPath, log });
  const images = await ImageStore.open(join(folder, 'images'), limits);
  const queue = new CallQueue(limits);
  const deps: RequestDeps = { ...options, images, queue, audit, limits };
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    void answerRequest(deps, request, response);
  server.on('request', handle);
  server.on('checkContinue', handle);
  watchStrangers(server, limits.strangers, audit);
  const port = await listen(server, options);
  audit.note({ event: 'started', address: options.address, port, pid: process.pid });
  const sweep = setInterval(() => {
    images.forgetOld().catch((error: unknown) => log.warn(`old images: ${messageOf(error)}`));
  }, sweepMs);
  return {
    port,
    async close() {
      clearInterval(sweep);
      const closed = new Promise((resolve) => server.close(resolve));
      await queue.end();
      setTimeout(() => server.closeAllConnections(), lastWordsMs).unref();
      await closed;
      await images.settled(); // what broke off with its connection is deleted
      audit.note({ event: 'stopped', pid: process.pid });
    },
  };
}

/** Configurations of calls that a killed server was carrying out: those read theirs long ago. */
async function forgetCalls(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('call-'));
  for (const name of names) await rm(join(folder, name), { force: true });
}

async function listen(server: Server, { address, port }: ServeOptions): Promise<number> {
  try {
    server.listen({ host: address, port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    throw new UserError('HYPERVISOR', `Nothing can listen on ${address} port ${port}: ${messageOf(error)}`, {
      cause: error,
      hints: [hints[errnoOf(error) ?? ''] ?? 'boshvirt doctor looks at this machine'],
    });
  }
  return (server.address() as AddressInfo).port;
}

const hints: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: ss -tlnp tells which; end it, or have it listen elsewhere',
  EADDRNOTAVAIL: 'the environment’s network is not up: boshvirt up starts it',
};
