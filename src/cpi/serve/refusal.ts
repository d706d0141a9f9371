import type { ServerResponse } from 'node:http';
import { CloudError } from '../errors.ts';
import { failure } from '../wire.ts';

/** What the server does not do for a client: an HTTP status, and what bosh is told in the place of a CPI's answer. */
export class Refusal extends CloudError {
  override name = 'Refusal';
  readonly status: number;

  constructor(status: number, type: CloudError['type'], message: string, hints: readonly string[] = []) {
    super(type, message, { hints });
    this.status = status;
  }
}

/** A request whose body nobody wants is read for no longer than this, so that the client gets to see the answer. */
const patienceMs = 2_000;

/** Answers with an error of the CPI's form, as the only line. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(refusal.status, { 'content-type': 'application/json', connection: 'close' });
  response.end(`${JSON.stringify(failure(refusal))}\n`);
  const { req } = response;
  if (req.complete) return;
  req.resume();
  setTimeout(() => req.destroy(), patienceMs).unref();
}
