import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { cpiServerPort } from '../../manifest/compose.ts';
import { ToolError } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';
import { roadTo } from '../session.ts';
import { type CpiCertificates, cpiCertificates } from './certificates.ts';

/** How a CPI server is, by its own word. */
export interface ServerWord {
  /** Of what it is made of: another one means that record, credentials or boshvirt have changed since it started. */
  readonly identity: string;
  readonly pid: number;
  /** Calls. */
  readonly running: number;
  readonly waiting: number;
}

/** What listens there has a certificate of another CA: it was started with older credentials, or is none of ours. */
export class OtherCertificates extends ToolError {
  override name = 'OtherCertificates';
}

/** It is on this machine, and answers without asking anybody. */
const timeoutMs = 3_000;

/**
 * Asks the environment's CPI server as a director would, with the client's certificate. Throws if it does not answer,
 * OtherCertificates if it cannot be told from a stranger.
 */
export async function askCpiServer(record: EnvironmentRecord, signal?: AbortSignal): Promise<ServerWord> {
  const client = await cpiCertificates(record.name, 'client');
  return await askServerAt(record, record.network.gateway, client, signal);
}

/** Asks a CPI server at an address that the environment's guests could have, with a client's certificate that it knows. */
export async function askServerAt(
  record: EnvironmentRecord,
  host: string,
  client: CpiCertificates,
  signal?: AbortSignal,
): Promise<ServerWord> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const until = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const road = await roadTo(record);
  const stream = await road.dial(host, cpiServerPort, { timeoutMs, signal: until });
  try {
    const response = await get(host, stream, client, until);
    const body = await text(response);
    if (response.statusCode === 200) return JSON.parse(body) as ServerWord;
    throw new ToolError('TEMPORARY', `the CPI server answers with status ${response.statusCode}`);
  } finally {
    stream.destroy();
  }
}

async function get(
  host: string,
  stream: Duplex,
  client: CpiCertificates,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let tls: TLSSocket | undefined;
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({
      ...{ host, path: '/status', signal, headers: { connection: 'close' } },
      // no `agent`, not even false: with one Node would ignore this and dial by itself, past the road
      createConnection: () => {
        const shows = { cert: client.certificate, key: client.privateKey };
        tls = connectTls({ socket: stream, host, ca: client.ca, ...shows });
        return tls;
      },
    });
    outgoing.once('response', resolve);
    outgoing.on('error', (error) => {
      // set only when the server's certificate was looked at and found wanting
      const distrust = tls?.authorizationError ?? undefined;
      reject(
        distrust === undefined
          ? error
          : new OtherCertificates('TEMPORARY', `its certificate is not the environment's: ${error.message}`),
      );
    });
    outgoing.end();
  });
}
