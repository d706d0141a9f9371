import { type Call, wordsOf } from './call.ts';
import { CallTimeoutError } from './errors.ts';
import { statuses } from './frames.ts';
import { SparseSender } from './sparse-sender.ts';

/** What a stream needs of its connection. */
export interface StreamSide {
  /** The call that opened the stream. */
  readonly call: Call;
  /** false: the connection's buffer is full. */
  send(status: number, body: Buffer): boolean;
  sendHole(body: Buffer): boolean;
  /** Resolves when the connection's buffer has room again. */
  drained(): Promise<void>;
  /** The reader is behind or waits, or is no longer so. */
  demandChanged(): void;
  /** This side is through; `gaveUp`: it told the server to stop, which the server will confirm. */
  closed(gaveUp: boolean): void;
  readonly timeoutMs: number;
  readonly peer: string;
}

/** libvirtd refuses larger stream messages than this (the protocol's legacy payload). */
const maxPayload = 262_120;
const empty = Buffer.alloc(0);
/** Received bytes that may wait for a slow reader before the connection is read no further. */
const highWaterBytes = 4 * 1024 * 1024;

/** The data that belongs to one upload or download. */
export class VolumeStream {
  readonly #side: StreamSide;
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #finished = false;
  #uploads = false;
  #closed = false;
  #failure: { readonly error: unknown; readonly peerKnows: boolean } | undefined;
  #message: (() => void) | undefined;
  #interrupt: ((error: unknown) => void) | undefined;

  constructor(side: StreamSide) {
    this.#side = side;
  }

  get call(): Call {
    return this.#side.call;
  }

  /** The reader has more to read than it may leave lying. */
  get isBehind(): boolean {
    return this.#queuedBytes > highWaterBytes;
  }

  /** Somebody waits for the next message. */
  get isAwaited(): boolean {
    return this.#message !== undefined;
  }

  /** Bytes go to the server. While its disk is slow it reads nothing from the connection, not even pings. */
  get isUpload(): boolean {
    return this.#uploads;
  }

  /** A message of this stream came in. */
  receive(status: number, body: Buffer): void {
    if (status === statuses.ok) this.#finished = true;
    else if (body.length === 0)
      this.#side.send(statuses.ok, empty); // the server's end of data asks for our goodbye
    else {
      this.#queue.push(body);
      this.#queuedBytes += body.length;
    }
    this.#message?.();
    this.#side.demandChanged();
  }

  /** The server gave the stream up, or its connection broke. */
  fail(error: Error): void {
    this.#break(error, true);
  }

  /** This side gives the stream up. The server hears it at once, also if a reader never comes back. */
  giveUp(error: Error): void {
    this.#break(error, false);
    this.#close();
  }

  #break(error: unknown, peerKnows: boolean): void {
    this.#failure ??= { error, peerKnows };
    this.#interrupt?.(error);
  }

  /** Sends all of `source`; `sparse` leaves out runs of zeroes. Resolves when the server has taken the last byte. */
  async upload(
    source: AsyncIterable<Uint8Array>,
    options: { sparse: boolean; signal?: AbortSignal | undefined },
  ): Promise<void> {
    this.#uploads = true;
    const sparse = options.sparse ? new SparseSender(this.#side) : undefined;
    const chunks = source[Symbol.asyncIterator]();
    const stopListening = this.#endBy(options.signal);
    try {
      for (let next = await this.#wait(chunks.next()); !next.done; next = await this.#wait(chunks.next())) {
        await this.#sendAll(next.value, sparse);
      }
      sparse?.end();
      this.#side.send(statuses.ok, empty);
      while (!this.#finished) await this.#nextMessage();
    } catch (error) {
      void chunks.return?.().then(ignore, ignore); // a source that hangs must not keep the caller
      throw error;
    } finally {
      stopListening();
      this.#close();
    }
  }

  async #sendAll(chunk: Uint8Array, sparse: SparseSender | undefined): Promise<void> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length; at += maxPayload) {
      const part = bytes.subarray(at, at + maxPayload);
      const room = sparse ? sparse.push(part) : this.#side.send(statuses.more, part);
      if (!room) await this.#inTime(this.#side.drained());
    }
  }

  /** The downloaded bytes; a slow reader slows the server. */
  async *download(signal?: AbortSignal): AsyncGenerator<Buffer> {
    const stopListening = this.#endBy(signal);
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk) {
          this.#queuedBytes -= chunk.length;
          this.#side.demandChanged();
          yield chunk;
        } else if (this.#finished) return;
        else await this.#nextMessage();
      }
    } finally {
      stopListening();
      this.#close();
    }
  }

  #endBy(signal: AbortSignal | undefined): () => void {
    const end = () => this.#break(signal?.reason, false);
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
    return () => signal?.removeEventListener('abort', end);
  }

  /** Throws if the stream fails or nothing comes in time. */
  async #nextMessage(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#message = resolve;
    this.#side.demandChanged();
    try {
      await this.#inTime(promise);
    } finally {
      this.#message = undefined;
      this.#side.demandChanged();
    }
  }

  async #inTime(work: Promise<void>): Promise<void> {
    const { timeoutMs, peer, call } = this.#side;
    const late = () => {
      const what = `${wordsOf(call)}: no data went to or from ${peer} for ${timeoutMs / 1000} s`;
      this.#break(new CallTimeoutError(what), false);
    };
    const timer = setTimeout(late, timeoutMs);
    try {
      await this.#wait(work);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for `work`, but throws as soon as the stream fails. One wait at a time. */
  async #wait<T>(work: Promise<T>): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#interrupt = reject;
        if (this.#failure) reject(this.#failure.error);
        work.then(resolve, reject);
      });
    } finally {
      this.#interrupt = undefined;
    }
  }

  /** Tells the server to stop, unless it knows that the stream is over. */
  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const gaveUp = !this.#finished && !this.#failure?.peerKnows;
    if (gaveUp) this.#side.send(statuses.error, empty);
    this.#side.closed(gaveUp);
  }
}

function ignore(): void {}
