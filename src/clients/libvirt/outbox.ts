import type { Duplex } from 'node:stream';
import { type Frame, frameHeader, remoteProgram } from './frames.ts';

/** What goes to the peer. */
export class Outbox {
  readonly #socket: Duplex;
  #draining: Promise<void> | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** false: the socket's buffer is full. */
  send(
    frame: Pick<Frame, 'procedure' | 'type' | 'serial' | 'status'>,
    body: Buffer,
    program = remoteProgram,
  ): boolean {
    this.#socket.cork();
    this.#socket.write(frameHeader({ program, ...frame }, body.length));
    const room = this.#socket.write(body);
    this.#socket.uncork();
    return room;
  }

  /** Resolves when the buffer has room; never, if the connection ends before. */
  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain) return;
    // one listener for all: many uploads may wait, and one that was given up leaves none behind
    this.#draining ??= new Promise<void>((resolve) => {
      this.#socket.once('drain', () => {
        this.#draining = undefined;
        resolve();
      });
    });
    await this.#draining;
  }
}
