import { Duplex } from 'node:stream';
import type { openPipe } from '../../platform/process.ts';
import { ConnectionLostError } from './errors.ts';

type Child = ReturnType<typeof openPipe>;

/** How long the last words of a child that ended may take. */
const lastWordsMs = 300;

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
    child.once('exit', (code, signal) => {
      const end = () => ended(`ended ${signal ? `by ${signal}` : `with status ${code}`}`);
      child.once('close', end);
      // an ssh that stays behind as master of later connections (ControlPersist) keeps stderr open for hours
      setTimeout(() => setImmediate(end), lastWordsMs).unref(); // what came meanwhile is read first
    });
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
    const { stdin, stdout, stderr } = this.#child;
    this.#child.kill();
    for (const pipe of [stdin, stdout, stderr]) pipe.destroy(); // whoever else holds the other end must not keep us
    done(error);
  }
}
