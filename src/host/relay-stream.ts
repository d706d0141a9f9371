import { Duplex } from 'node:stream';
import type { openPipe } from '../platform/process.ts';

type Child = ReturnType<typeof openPipe>;

/**
 * The stream of libexec/relay.mjs: what the peer sends can be read, what is written goes to the peer. The end of the child
 * is the end of the stream: with status 0 the peer ended it, with another the stream fails with what the child said.
 */
export class RelayStream extends Duplex {
  /** Settles when the relay has its connection, or has failed to get one. */
  readonly connected: Promise<void>;
  readonly #child: Child;
  #said = '';

  constructor(child: Child) {
    super({ allowHalfOpen: false });
    this.#child = child;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // one who destroyed the stream need not wait for it
    this.connected = promise;
    let isConnected = false;
    child.stdout.once('data', (first: Buffer) => {
      isConnected = true; // its first byte says so
      resolve();
      if (first.length > 1) this.#receive(first.subarray(1));
      child.stdout.on('data', (piece: Buffer) => this.#receive(piece));
    });
    child.stderr.on('data', (piece: Buffer) => {
      this.#said = `${this.#said}${piece.toString('utf8')}`.slice(-2_000);
    });
    child.stdin.on('error', () => {}); // the relay is gone: its status, which follows, says why
    const ended = (error?: Error) => {
      reject(error ?? new Error('the relay ended'));
      if (error) this.destroy(isConnected ? error : undefined);
      else this.push(null);
    };
    child.once('error', ended);
    child.once('close', (status, signal) =>
      ended(status === 0 ? undefined : this.#failure(status ?? signal)),
    );
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#child.stdin.write(piece, () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill();
    this.#child.stdout.resume(); // its close event, and with it the end of the child, waits for unread output
    done(error);
  }

  #receive(piece: Buffer): void {
    if (!this.push(piece)) this.#child.stdout.pause();
  }

  #failure(status: number | string | null): Error {
    return new Error(this.#said.trim() || `the relay ended with ${status}`);
  }
}
