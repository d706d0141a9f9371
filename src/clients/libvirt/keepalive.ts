export interface KeepaliveOptions {
  /** Time between two pings; 10 s unless said. */
  readonly intervalMs?: number;
  /** A peer that left this many pings without a sign of life is gone; 4 unless said. */
  readonly patience?: number;
}

interface Peer {
  ping(): void;
  /** true while silence means nothing: nobody waits, or we ourselves do not read. */
  maySleep(): boolean;
  gone(silentMs: number): void;
}

/**
 * Notices a peer that died without closing the connection. It counts pings instead of reading the clock, so that a program
 * that was busy or suspended for minutes does not blame the peer.
 */
export class Keepalive {
  readonly #peer: Peer;
  readonly #intervalMs: number;
  readonly #patience: number;
  readonly #timer: NodeJS.Timeout;
  #unanswered = 0;
  #speaksKeepalive = false;

  constructor(peer: Peer, { intervalMs = 10_000, patience = 4 }: KeepaliveOptions = {}) {
    this.#peer = peer;
    this.#intervalMs = intervalMs;
    this.#patience = patience;
    this.#timer = setInterval(() => this.#tick(), intervalMs).unref();
    peer.ping(); // whether it answers at all is known long before it matters
  }

  /** Anything came from the peer. */
  heard(): void {
    this.#unanswered = 0;
  }

  answered(): void {
    this.#speaksKeepalive = true;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    if (this.#peer.maySleep()) {
      this.#unanswered = 0;
      return;
    }
    if (this.#speaksKeepalive && this.#unanswered >= this.#patience) {
      this.#peer.gone(this.#unanswered * this.#intervalMs);
      return;
    }
    this.#unanswered += 1;
    this.#peer.ping();
  }
}
