const [kilo, mega, giga] = [1024, 1024 ** 2, 1024 ** 3];

/** What a client may ask for at most; it has a certificate of ours, but may be broken or taken over. */
export interface ServeLimits {
  /** A CPI request; the largest ones are create_vm with certificates in its env, some 20 kB. */
  readonly requestBytes: number;
  readonly headerBytes: number;
  readonly imageBytes: number;
  /** What an image must leave free where it is kept. */
  readonly freeBytes: number;
  /** Calls that run at the same time; more wait for their turn, and beyond `waiting` are refused. */
  readonly calls: number;
  readonly waiting: number;
  readonly connections: number;
  /** Those of them that have not shown a certificate yet. */
  readonly strangers: number;
  /** For a connection over which nothing comes. A call itself takes as long as it takes. */
  readonly idleMs: number;
  /** How long an image that nobody used is kept. */
  readonly imageAgeMs: number;
}

export const usualLimits: ServeLimits = {
  requestBytes: 8 * mega,
  headerBytes: 64 * kilo,
  imageBytes: 64 * giga,
  freeBytes: giga / 4,
  calls: 16,
  waiting: 256,
  connections: 512,
  strangers: 64,
  idleMs: 60_000,
  imageAgeMs: 60 * 60_000,
};
