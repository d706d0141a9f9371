import { appendFileSync, renameSync, statSync } from 'node:fs';
import { messageOf } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';

export interface AuditLogOptions {
  readonly path: string;
  /** Tells that the log cannot be written, which stops no call. */
  readonly log: Log;
  /** 4 MiB unless said: 20 000 calls. */
  readonly maxBytes?: number;
}

const usualMaxBytes = 4 * 1024 ** 2;
/** Older ones are `path.1` to `path.3`. */
const olderFiles = 3;

/** One line of JSON for each thing that happened, in a file for the user alone; a file that got too long is put aside. */
export class AuditLog {
  readonly #options: AuditLogOptions;

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  note(facts: Readonly<Record<string, unknown>>): void {
    const line = `${JSON.stringify({ time: new Date().toISOString(), ...facts })}\n`;
    const { path, log, maxBytes = usualMaxBytes } = this.#options;
    try {
      if (sizeOf(path) + line.length > maxBytes) putAside(path);
      appendFileSync(path, line, { mode: 0o600 });
    } catch (error) {
      log.warn(`${path} cannot be written: ${messageOf(error)}`);
    }
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

function putAside(path: string): void {
  const names = [path, ...Array.from({ length: olderFiles }, (_, at) => `${path}.${at + 1}`)];
  for (let at = olderFiles; at > 0; at--) {
    const [from = '', to = ''] = [names[at - 1], names[at]];
    if (statSync(from, { throwIfNoEntry: false })) renameSync(from, to);
  }
}
