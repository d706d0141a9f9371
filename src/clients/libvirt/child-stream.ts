import { Duplex } from 'node:stream';
import type { openPipe } from '../../platform/process.ts';
import { ConnectionLostError } from './errors.ts';

type Child = ReturnType<typeof openPipe>;

/**
 * A child whose stdin and stdout are the stream. When the child ends, what it said on stderr is the reason: that explains
 * more than the broken pipe which is often seen first.
 */
export class ChildStream extends Duplex {
  readonly #child: Child;
  #said = '';

  constructor(child: Child, command: string, hints: readonly string[]) {
    super({ allowHalfOpen: false });
    this.#child = child;
    const ended = (why: string) => {
      const words = this.#said.trim();
      this.destroy(new ConnectionLostError(`${command}: ${words === '' ? why : words}`, { hints }));
    };
    child.stderr.on('data', (piece: Buffer) => {
      this.#said = `${this.#said}${piece.toString('utf8')}`.slice(-2_000);
    });
    child.stdout.on('data', (piece: Buffer) => {
      if (!this.push(piece)) child.stdout.pause();
    });
    child.stdin.on('error', () => {}); // it hears us no more: its end follows and says why, or a timeout does
    child.once('error', (error) => ended(error.message));
    child.once('close', (code, signal) => ended(`ended ${signal ? `by ${signal}` : `with status ${code}`}`));
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#child.stdin.write(chunk, () => done()); // a failure is told by the child's end
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }
}
