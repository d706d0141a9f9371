import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { AuditLog } from './audit-log.ts';

const quietMs = 60_000;

/**
 * Watches those who have connected and not shown a certificate yet, which any guest can: beyond `most` the oldest has to go, so that
 * they never take all connections from directors, who show theirs at once. Who was turned away is noted, one line a minute at
 * most, so that no guest can fill the log with its knocking.
 */
export function watchStrangers(server: Server, most: number, audit: AuditLog): void {
  const strangers = new Map<string, Socket>();
  const reasons = new Map<string, string>();
  const note = quietly(audit);
  server.on('connection', (socket: Socket) => {
    const [key, from] = [keyOf(socket), socket.remoteAddress];
    strangers.set(key, socket);
    socket.once('close', () => {
      if (strangers.get(key) === socket && strangers.delete(key))
        note(from, reasons.get(key) ?? 'it showed no certificate in time');
      reasons.delete(key);
    });
    const [oldest] = strangers;
    if (oldest === undefined || strangers.size <= most) return;
    reasons.set(oldest[0], `more than ${most} showed no certificate`);
    oldest[1].destroy();
  });
  server.on('secureConnection', (socket) => strangers.delete(keyOf(socket)));
  // after a timeout it does not know any more whose it was
  server.on('tlsClientError', ({ message }, socket) => {
    if (strangers.has(keyOf(socket))) reasons.set(keyOf(socket), message);
  });
}

/** There is no public way from a TLS socket to the one below it; both know who is at the other end. */
const keyOf = ({ remoteAddress, remotePort }: Socket | TLSSocket): string => `${remoteAddress} ${remotePort}`;

function quietly(audit: AuditLog): (from: string | undefined, why: string) => void {
  let last = Number.NEGATIVE_INFINITY;
  let more = 0;
  return (from, why) => {
    if (performance.now() - last < quietMs) {
      more += 1;
      return;
    }
    audit.note({ event: 'turned away', from, why, before: more || undefined });
    last = performance.now();
    more = 0;
  };
}
