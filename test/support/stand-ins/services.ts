/** UAA and CredHub of a director, and a router with an API behind it, as far as `boshvirt cf` asks them. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type CertificateValue, generateCertificate } from '../../../src/engine/template/certificates.ts';
import type { DirectorAccess } from '../../../src/environment/director/index.ts';

export const client = { name: 'credhub-admin', secret: 'the-credhub-secret' };
const token = 'a-token-of-some-length';

export interface ServicesOptions {
  /** What CredHub keeps, by name. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Status that the API answers with, one after the other; the last for ever. */
  readonly apiStatus?: readonly number[];
}

export interface Services extends AsyncDisposable {
  /** UAA and CredHub are at their ports, the router at `routerPort`. */
  readonly ip: string;
  readonly ca: string;
  readonly routerPort: number;
  readonly access: Pick<DirectorAccess, 'uaa' | 'credhub'>;
  /** Method and path of what was asked, in order; of the API with its host. */
  readonly asked: string[];
}

/** A loopback address that nobody else uses, with a certificate for it and `*.cf.test`: made once for a file of tests. */
export interface Place {
  readonly ip: string;
  readonly identity: CertificateValue;
}

export async function makePlace(): Promise<Place> {
  const byte = () => 1 + Math.floor(Math.random() * 250);
  const ip = `127.${byte()}.${byte()}.${byte()}`;
  const size = { key_length: 2048 }; // larger keys take their time
  const ca = await generateCertificate('ca', { is_ca: true, common_name: 'stand-ins', ...size }, none);
  const options = { ca: 'ca', common_name: ip, alternative_names: [ip, '*.cf.test'], ...size };
  return { ip, identity: await generateCertificate('services', options, async () => ({ ...ca })) };
}

const none = async () => undefined;

export async function startServices(
  { ip, identity }: Place,
  { values, apiStatus = [200] }: ServicesOptions,
): Promise<Services> {
  const asked: string[] = [];
  const statuses = [...apiStatus];
  const answer = async (request: IncomingMessage): Promise<[number, unknown]> => {
    const url = new URL(request.url ?? '/', 'https://stand-in');
    const { host = '', authorization } = request.headers;
    if (host.startsWith('api.')) {
      asked.push(`${request.method} ${host}${url.pathname}`);
      return [(statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 500, { links: {} }];
    }
    asked.push(`${request.method} ${url.pathname}`);
    if (url.pathname === '/oauth/token') return await grant(request);
    if (authorization !== `Bearer ${token}`) return [401, { error: 'invalid_token' }];
    return dataAnswer(values, url.searchParams);
  };
  const listen = async (port: number): Promise<Server> => {
    const server = createServer(
      { cert: identity.certificate, key: identity.private_key },
      (request, response) => {
        answer(request).then(([status, body]) => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
        });
      },
    );
    server.on('tlsClientError', () => {}); // the client's side of it is what a test looks at
    server.listen(port, ip);
    await once(server, 'listening');
    return server;
  };
  const router = await listen(0);
  const servers = [await listen(8443), await listen(8844), router];
  const at = (port: number) => ({ url: `https://${ip}:${port}`, ca: identity.ca });
  return {
    ip,
    ca: identity.ca,
    routerPort: (router.address() as AddressInfo).port,
    access: { uaa: at(8443), credhub: { ...at(8844), client: client.name, secret: client.secret } },
    asked,
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
    },
  };
}

async function grant(request: IncomingMessage): Promise<[number, unknown]> {
  let body = '';
  for await (const chunk of request) body += chunk;
  const login = Buffer.from(`${client.name}:${client.secret}`).toString('base64');
  if (request.headers.authorization !== `Basic ${login}`) return [401, { error: 'unauthorized' }];
  const grantType = new URLSearchParams(body).get('grant_type');
  return grantType === 'client_credentials' ? [200, { access_token: token }] : [400, { error: grantType }];
}

function dataAnswer(values: ServicesOptions['values'], query: URLSearchParams): [number, unknown] {
  const letters = query.get('name-like');
  if (letters !== null) {
    const names = Object.keys(values).filter((name) => name.includes(letters));
    return [200, { credentials: names.map((name) => ({ name, version_created_at: 'then' })) }];
  }
  const name = query.get('name') ?? '';
  return name in values ? [200, { data: [{ name, value: values[name] }] }] : [404, { error: 'none' }];
}
