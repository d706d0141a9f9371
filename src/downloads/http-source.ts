import { type Dispatcher, EnvHttpProxyAgent, interceptors, Pool, request } from 'undici';
import type { PartFacts } from './partial-file.ts';
import { proxiesOf } from './proxies.ts';
import { brokenConnection, refusal, Setback } from './setback.ts';

/** A file on its way from a server, or the rest of one. */
export interface Answer {
  /** Where in the file the first byte of `body` belongs. */
  readonly offset: number;
  /** Of the whole file; undefined: the server does not say. */
  readonly bytes: number | undefined;
  /** By which the server would know this version of the file again. */
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A part of a file that is there already. */
export interface Part {
  readonly length: number;
  readonly facts: PartFacts;
}

const mostRedirects = 10;

/** Servers by HTTP, through a proxy where the environment says so. Dispose of it to end its connections. */
export class HttpSource implements AsyncDisposable {
  readonly #agent: EnvHttpProxyAgent;
  readonly #dispatcher: Dispatcher;

  /** A server that is silent for `stallMs` is given up; one that sends may be as slow as it likes. */
  constructor(stallMs: number) {
    const patience = { connectTimeout: stallMs, headersTimeout: stallMs, bodyTimeout: stallMs };
    // undici gives what it makes for the way to a proxy no patience of its own
    const factory = (origin: string | URL, options: object) => new Pool(origin, { ...options, ...patience });
    this.#agent = new EnvHttpProxyAgent({
      ...proxiesOf(process.env),
      ...patience,
      factory,
      clientFactory: factory,
      allowH2: false, // one connection each: one that breaks breaks one download
    });
    this.#dispatcher = this.#agent.compose(
      interceptors.redirect({ maxRedirections: mostRedirects, throwOnMaxRedirect: true }),
    );
  }

  /**
   * Asks for the file at `address`, or for what follows `part` if the server has the same version of it still (else for all of
   * it). Gives undefined if the server cannot go on from there. Throws a Setback, or the reason of an aborted signal.
   */
  async get(address: string, part: Part | undefined, signal: AbortSignal): Promise<Answer | undefined> {
    const response = await this.#ask(address, part, signal);
    response.body.on('error', () => {}); // who reads it gets the error too
    if (response.statusCode === 200) return { ...factsOf(response.headers), offset: 0, body: response.body };
    const rest = part && response.statusCode === 206 ? restOf(response, part) : undefined;
    if (rest) return rest;
    response.body.destroy();
    if (part && [206, 416].includes(response.statusCode)) return undefined;
    throw refusal(response.statusCode, response.statusText, one(response.headers['retry-after']));
  }

  async #ask(address: string, part: Part | undefined, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { url, login } = withoutLogin(address);
    const headers = {
      'user-agent': 'boshvirt',
      'accept-encoding': 'identity',
      ...login,
      ...rangeAfter(part),
    };
    try {
      return await request(url, { dispatcher: this.#dispatcher, headers, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw brokenConnection(error, address);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A name and password in an address become a header, which a redirect to another server leaves out. */
function withoutLogin(address: string): { url: URL; login: Record<string, string> } {
  if (!URL.canParse(address)) throw new Setback('final', 'is not an address');
  const url = new URL(address);
  const { username, password } = url;
  if (username === '') return { url, login: {} };
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, login: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

function rangeAfter(part: Part | undefined): Record<string, string> {
  const version = part?.facts.etag ?? part?.facts.lastModified;
  return version === undefined ? {} : { range: `bytes=${part?.length}-`, 'if-range': version };
}

type Headers = Dispatcher.ResponseData['headers'];

function factsOf(headers: Headers): Pick<Answer, 'bytes' | 'etag' | 'lastModified'> {
  const [length, etag] = [one(headers['content-length']), one(headers.etag)];
  return {
    bytes: length === undefined ? undefined : Number(length),
    etag: etag?.startsWith('W/') ? undefined : etag, // a weak one does not promise the same bytes
    lastModified: one(headers['last-modified']),
  };
}

/** Undefined if it is not the rest of the same version, whatever the server was asked for. */
function restOf(response: Dispatcher.ResponseData, { length, facts: before }: Part): Answer | undefined {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(one(response.headers['content-range']) ?? '');
  const now = factsOf(response.headers);
  const bytes = range?.[2] === undefined || range[2] === '*' ? undefined : Number(range[2]);
  if (Number(range?.[1]) !== length || before.bytes !== bytes || !isVersion(now, before)) return undefined;
  const { etag, lastModified } = before;
  return { bytes, etag, lastModified, offset: length, body: response.body };
}

/** By the tag if there was one, else by the date; a rest may be sent without either. */
const isVersion = (now: Pick<Answer, 'etag' | 'lastModified'>, before: PartFacts): boolean =>
  before.etag === (now.etag ?? before.etag) &&
  (before.etag !== undefined || before.lastModified === (now.lastModified ?? before.lastModified));

const one = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;
