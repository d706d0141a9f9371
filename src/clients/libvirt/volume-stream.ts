import { CallTimeoutError } from './errors.ts';
import { statuses } from './frames.ts';

/** What a stream needs of its connection. */
interface StreamSide {
  /** false: the connection's buffer is full. */
  send(status: number, body: Buffer): boolean;
  sendHole(body: Buffer): boolean;
  pause(paused: boolean): void;
  drained(signal: AbortSignal): Promise<void>;
  closed(): void;
  readonly timeoutMs: number;
  readonly peer: string;
}

/** libvirtd refuses larger stream messages than this (the protocol's legacy payload). */
const maxPayload = 262_120;
const empty = Buffer.alloc(0);
/** Received bytes that may wait for a slow reader before the connection is paused. */
const highWaterBytes = 4 * 1024 * 1024;
/** Runs of zeroes shorter than this are sent as they are. */
const holeBytes = 64 * 1024;
const zeroes = Buffer.alloc(holeBytes);

/** The data that belongs to one upload or download. */
export class VolumeStream {
  readonly #side: StreamSide;
  readonly #queue: Buffer[] = [];
  readonly #failed = new AbortController();
  #queuedBytes = 0;
  #finished = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  constructor(side: StreamSide) {
    this.#side = side;
  }

  /** A message of this stream came in. */
  receive(status: number, body: Buffer): void {
    if (status === statuses.ok) this.#finished = true;
    else if (body.length === 0)
      this.#side.send(statuses.ok, empty); // the server's end of data asks for our goodbye
    else {
      this.#queue.push(body);
      this.#queuedBytes += body.length;
      if (this.#queuedBytes > highWaterBytes) this.#side.pause(true);
    }
    this.#wake();
  }

  /** The stream or its connection broke. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#failed.abort(error);
    this.#wake();
  }

  /** Sends all of `source`; `sparse` leaves out runs of zeroes. Resolves when the server has taken the last byte. */
  async upload(
    source: AsyncIterable<Uint8Array>,
    options: { sparse: boolean; signal?: AbortSignal | undefined },
  ): Promise<void> {
    const send = options.sparse ? new SparseSender(this.#side) : undefined;
    try {
      for await (const chunk of source) {
        options.signal?.throwIfAborted();
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        for (let at = 0; at < bytes.length; at += maxPayload) {
          const part = bytes.subarray(at, at + maxPayload);
          const room = send ? send.push(part) : this.#side.send(statuses.more, part);
          if (!room) await this.#inTime(this.#side.drained(this.#failed.signal));
          this.#throwIfFailed();
        }
      }
      send?.end();
      this.#side.send(statuses.ok, empty);
      while (!this.#finished) await this.#next();
    } catch (error) {
      this.#abort();
      throw this.#error ?? error;
    } finally {
      this.#side.closed();
    }
  }

  /** The downloaded bytes; a slow reader slows the server. */
  async *download(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk) {
          this.#queuedBytes -= chunk.length;
          if (this.#queuedBytes <= highWaterBytes) this.#side.pause(false);
          yield chunk;
        } else if (this.#finished) return;
        else await this.#next();
      }
    } finally {
      this.#abort();
      this.#side.pause(false);
      this.#side.closed();
    }
  }

  /** Waits for the next message. Throws if the stream failed or nothing comes in time. */
  async #next(): Promise<void> {
    this.#throwIfFailed();
    await this.#inTime(
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
    );
    this.#throwIfFailed();
  }

  async #inTime(work: Promise<void>): Promise<void> {
    const { timeoutMs, peer } = this.#side;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new CallTimeoutError(`No data went to or from ${peer} for ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
    });
    await Promise.race([work, late]).finally(() => clearTimeout(timer));
  }

  #throwIfFailed(): void {
    if (this.#error) throw this.#error;
  }

  /** Tells the server to stop, unless both sides are done already. */
  #abort(): void {
    if (!this.#finished && !this.#error) this.#side.send(statuses.error, empty);
  }
}

/** Sends runs of zeroes as holes, so that they take neither time nor space on the other side. */
class SparseSender {
  readonly #side: StreamSide;
  #holeLength = 0;

  constructor(side: StreamSide) {
    this.#side = side;
  }

  push(part: Buffer): boolean {
    let room = true;
    for (let at = 0; at < part.length; ) {
      const hole = zeroRun(part, at);
      if (hole > 0) {
        this.#holeLength += hole;
        at += hole;
        continue;
      }
      let end = at + holeBytes;
      while (end < part.length && zeroRun(part, end) === 0) end += holeBytes;
      this.end();
      room = this.#side.send(statuses.more, part.subarray(at, Math.min(end, part.length)));
      at = end;
    }
    return room;
  }

  /** Sends the hole that is still pending. */
  end(): void {
    if (this.#holeLength === 0) return;
    const body = Buffer.alloc(12);
    body.writeBigInt64BE(BigInt(this.#holeLength), 0);
    this.#side.sendHole(body);
    this.#holeLength = 0;
  }
}

/** Length of the block of zeroes that begins at `at`: a whole block, the rest of the part, or 0. */
function zeroRun(part: Buffer, at: number): number {
  const length = Math.min(holeBytes, part.length - at);
  return part.compare(zeroes, 0, length, at, at + length) === 0 ? length : 0;
}
