import { ImageFault } from './image-error.ts';

/** Reads a stream of chunks by the byte: looks ahead, takes a part, passes a long part through without copying it. */
export class ByteReader implements AsyncDisposable {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #position = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#source = chunks[Symbol.asyncIterator]();
  }

  /** How many bytes were taken so far. */
  get position(): number {
    return this.#position;
  }

  /** The next `count` bytes, which stay where they are; fewer only at the end. */
  async peek(count: number): Promise<Buffer> {
    while (this.#held.length < count) {
      const next = await this.#source.next();
      if (next.done) break;
      this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    }
    return this.#held.subarray(0, count);
  }

  /** Takes exactly `count` bytes. Throws an ImageFault if the stream ends before. */
  async take(count: number): Promise<Buffer> {
    const bytes = await this.peek(count);
    if (bytes.length < count) throw cutShort();
    this.#drop(count);
    return bytes;
  }

  /** Takes the next `count` bytes as they come, or all that is left. Throws an ImageFault if the stream ends before. */
  async *pass(count = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer, void, undefined> {
    for (let left = count; left > 0; ) {
      const chunk = await this.#nextChunk(left);
      if (!chunk && left === Number.POSITIVE_INFINITY) return;
      if (!chunk) throw cutShort();
      left -= chunk.length;
      yield chunk;
    }
  }

  async skip(count: number): Promise<void> {
    for await (const _ of this.pass(count));
  }

  /** Closes what the bytes come from; needed by whoever stops before the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.return?.();
  }

  async #nextChunk(atMost: number): Promise<Buffer | undefined> {
    if ((await this.peek(1)).length === 0) return undefined;
    const chunk = this.#held.subarray(0, atMost);
    this.#drop(chunk.length);
    return chunk;
  }

  #drop(count: number): void {
    this.#held = this.#held.subarray(count);
    this.#position += count;
  }
}

const cutShort = (): ImageFault => new ImageFault('is cut short: it ends before its content does');
