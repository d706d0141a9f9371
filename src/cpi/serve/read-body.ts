import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** All that a client sends. Throws a Refusal (413) as soon as it is more than `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  refuseLonger(Number(request.headers['content-length'] ?? 0), maxBytes);
  for await (const piece of request) {
    bytes += (piece as Buffer).length;
    refuseLonger(bytes, maxBytes);
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces);
}

function refuseLonger(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes)
    throw new Refusal(413, 'CpiError', `The request is longer than ${maxBytes} bytes, which no CPI call is`);
}
