import { errnoOf, messageChain } from '../platform/errors.ts';

/**
 * Why an attempt at an address did not bring the whole file. `temporary`: the next attempt may; `final`: none at this address
 * will; `wrong`: what it serves is another file.
 */
export class Setback extends Error {
  override name = 'Setback';
  readonly kind: 'temporary' | 'final' | 'wrong';
  /** How long the server asks to be left alone. */
  readonly waitMs: number | undefined;

  constructor(
    kind: Setback['kind'],
    message: string,
    facts: { waitMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: facts.cause });
    this.kind = kind;
    this.waitMs = facts.waitMs;
  }
}

/** A server that asks for more patience than this is not waited for. */
const longestWaitMs = 120_000;
const temporaryStatuses = [408, 425, 429, 500, 502, 503, 504];

/** What an answer means that is neither 200 nor 206. */
export function refusal(status: number, statusText: string, retryAfter: string | undefined): Setback {
  const said = `answered ${status} ${statusText}`.trim();
  if (!temporaryStatuses.includes(status)) return new Setback('final', said);
  const waitMs = waitOf(retryAfter);
  if (waitMs === undefined || waitMs <= longestWaitMs) return new Setback('temporary', said, { waitMs });
  return new Setback('final', `${said} and asks to be left alone for ${Math.ceil(waitMs / 60_000)} min`);
}

/** `Retry-After` is a number of seconds or a date (RFC 9110 10.2.3). */
function waitOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ended before all of it had come',
  UND_ERR_CONNECT_TIMEOUT: 'cannot be reached in time',
  ETIMEDOUT: 'cannot be reached in time',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached: there is no network',
  EAI_AGAIN: 'its name cannot be looked up now',
  UND_ERR_HEADERS_TIMEOUT: 'accepts connections and does not answer',
  UND_ERR_BODY_TIMEOUT: 'stopped sending',
};
const finalWords: Readonly<Record<string, string>> = {
  ENOTFOUND: 'names a host that is not found: there is none of that name, or no network',
  UND_ERR_MAX_REDIRECTS: 'sends from one address to the next without end',
};
/** Node's names for what is wrong with a certificate, as far as another attempt cannot help. */
const certificateFault = /CERT|SELF_SIGNED|UNABLE_TO_|^ERR_(TLS|SSL)_/;

/** What an error of the connection to `address` means; anything unknown may pass. */
export function brokenConnection(error: unknown, address: string): Setback {
  const code = errnoOf(error) ?? '';
  const reason = messageChain(error) || code;
  const other = strangeHost(error, address);
  if (other !== undefined)
    return new Setback('final', `is behind ${other}, a proxy or whom it redirects to, which is not found`, {
      cause: error,
    });
  if (finalWords[code] !== undefined) return new Setback('final', finalWords[code], { cause: error });
  if (certificateFault.test(code))
    return new Setback('final', `its certificate is not trusted: ${reason}`, { cause: error });
  if (/redirect loop/i.test(reason))
    return new Setback('final', 'sends from one address to the next without end', { cause: error });
  const said = words[code];
  return new Setback('temporary', said === undefined ? reason : `${said}${placeOf(error, address)}`, {
    cause: error,
  });
}

/** The name that was looked up in vain, if it is not the address's own. */
function strangeHost(error: unknown, address: string): string | undefined {
  const { hostname } = error as { hostname?: unknown };
  if (typeof hostname !== 'string' || errnoOf(error) !== 'ENOTFOUND') return undefined;
  return hostname === new URL(address).hostname ? undefined : hostname;
}

/** Where nobody took the connection: behind a proxy that is the proxy, whatever the address. */
function placeOf(error: unknown, address: string): string {
  const [first = error] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  const { address: ip, port } = first as { address?: unknown; port?: unknown };
  if (typeof ip !== 'string' || typeof port !== 'number') return '';
  return new URL(address).host === `${ip}:${port}` ? '' : ` (at ${ip} port ${port})`;
}
