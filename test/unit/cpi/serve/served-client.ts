import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import type { CpiPair } from '../../../support/cpi-certificates.ts';
import { renderJob } from '../../../support/render-job.ts';
import { address, type Served } from './served-cpi.ts';

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** What the client shows; the director's unless said, undefined for nothing. */
  readonly shows?: CpiPair | undefined;
  readonly signal?: AbortSignal;
}

/** One request as a client of ours sends it, without curl; rejects if there is no answer. */
export async function send(served: Served, sent: Sent = {}): Promise<{ status: number; body: string }> {
  const { boshvirt_cpi_ca: ca, boshvirt_cpi_client_tls: client } = served.certificates;
  const { method = 'POST', path = '/cpi', body = '', headers = {} } = sent;
  const shows = 'shows' in sent ? sent.shows : client;
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const { hostname: host, port } = new URL(served.url);
    const outgoing = request({
      ...{
        host,
        port,
        path,
        method,
        headers: { 'content-length': Buffer.byteLength(body), ...headers },
        agent: false,
      },
      ...{ ca: ca.certificate, cert: shows?.certificate, key: shows?.private_key, signal: sent.signal },
    });
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** The bare connection of a client of ours; what goes wrong on it is heard by its end alone. */
export function connectTo({ serving, certificates }: Served): TLSSocket {
  const { boshvirt_cpi_ca: ca, boshvirt_cpi_client_tls: client } = certificates;
  const shows = { ca: ca.certificate, cert: client.certificate, key: client.private_key };
  return connect({ host: address, port: serving.port, ...shows }).on('error', () => {});
}

/** The last line of an answer, which is the CPI's. */
export const answerIn = (body: string) => JSON.parse(body.trimEnd().split('\n').at(-1) ?? '');

/** What a director's manifest gives the job, for this server. */
export const jobProperties = ({ url, certificates }: Served) => ({
  boshvirt: {
    serve: {
      url,
      ca: certificates.boshvirt_cpi_ca.certificate,
      client: certificates.boshvirt_cpi_client_tls,
    },
  },
  agent: { mbus: 'nats://192.168.150.10:4222' },
});

/** The job as a director's VM has it; gives its bin/cpi. */
export const jobFor = async (served: Served, folder: string): Promise<string> =>
  await renderJob(folder, jobProperties(served));
