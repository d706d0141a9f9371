import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { messageOf, UserError } from '../../platform/errors.ts';
import type { AuditLog } from './audit-log.ts';
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

const quietMs = 60_000;

/** Notes who was turned away: one line a minute at most, so that no guest can fill the log with its knocking. */
export function noteStrangers(audit: AuditLog): (error: Error, socket: TLSSocket) => void {
  let last = Number.NEGATIVE_INFINITY;
  let more = 0;
  return (error, socket) => {
    if (performance.now() - last < quietMs) {
      more += 1;
      return;
    }
    audit.note({
      event: 'turned away',
      from: socket.remoteAddress,
      why: error.message,
      before: more || undefined,
    });
    last = performance.now();
    more = 0;
  };
}
