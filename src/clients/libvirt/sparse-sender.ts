import { statuses } from './frames.ts';

interface Sink {
  send(status: number, body: Buffer): boolean;
  sendHole(body: Buffer): boolean;
}

/** Runs of zeroes shorter than this are sent as they are. */
const blockBytes = 64 * 1024;
const zeroes = Buffer.alloc(blockBytes);

/** Sends runs of zeroes as holes, so that they take neither time nor space on the other side. */
export class SparseSender {
  readonly #sink: Sink;
  #holeBytes = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** false: the connection's buffer is full. */
  push(part: Buffer): boolean {
    let room = true;
    for (let at = 0; at < part.length; ) {
      const hole = zeroBlock(part, at);
      if (hole > 0) {
        this.#holeBytes += hole;
        at += hole;
        continue;
      }
      let end = at + blockBytes;
      while (end < part.length && zeroBlock(part, end) === 0) end += blockBytes;
      this.end();
      room = this.#sink.send(statuses.more, part.subarray(at, end));
      at = end;
    }
    return room;
  }

  /** Sends the hole that is still pending. */
  end(): void {
    if (this.#holeBytes === 0) return;
    const body = Buffer.alloc(12); // length (64 bits), flags (32 bits)
    body.writeBigInt64BE(BigInt(this.#holeBytes), 0);
    this.#sink.sendHole(body);
    this.#holeBytes = 0;
  }
}

/** Length of the zeroes that begin at `at`: a whole block, the rest of the part, or 0. */
function zeroBlock(part: Buffer, at: number): number {
  const length = Math.min(blockBytes, part.length - at);
  return part.compare(zeroes, 0, length, at, at + length) === 0 ? length : 0;
}
