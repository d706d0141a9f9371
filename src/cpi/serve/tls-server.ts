import { createServer, type Server } from 'node:https';
import { messageOf, UserError } from '../../platform/errors.ts';
import type { ServeLimits } from './limits.ts';

/** PEM of the server's own certificate and key, and of the CA that clients' certificates have to be signed by. */
export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const handshakeTimeoutMs = 15_000;
const headersTimeoutMs = 30_000;

/**
 * A server that speaks to nobody without a certificate of that CA. How long a request takes is not limited (an image is
 * large), how long a client may be silent in it is. Throws a UserError for certificates that are none.
 */
export function createTlsServer(tls: TlsFiles, limits: ServeLimits): Server {
  try {
    const server = createServer({
      ...{ ca: tls.ca, cert: tls.certificate, key: tls.privateKey },
      ...{ requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
      handshakeTimeout: handshakeTimeoutMs,
      headersTimeout: headersTimeoutMs,
      requestTimeout: 0,
      maxHeaderSize: limits.headerBytes,
    });
    server.maxConnections = limits.connections;
    server.setTimeout(limits.idleMs);
    return server;
  } catch (error) {
    throw new UserError(
      'STATE_DAMAGED',
      `The CPI server's certificates cannot be used: ${messageOf(error)}`,
      {
        cause: error,
        hints: [
          'delete boshvirt_cpi_ca, boshvirt_cpi_server_tls and boshvirt_cpi_client_tls from the credentials: the next boshvirt up makes new ones',
        ],
      },
    );
  }
}
