import type { Duplex } from 'node:stream';
import { CallTimeoutError, ConnectionLostError, LibvirtError, ProtocolError } from './errors.ts';
import {
  type Frame,
  FrameSplitter,
  frameHeader,
  keepaliveProgram,
  messageTypes,
  remoteProgram,
  statuses,
} from './frames.ts';
import { type ArgsOf, type ProcedureName, procedures, type ResultOf, remoteError } from './procedures.ts';
import { VolumeStream } from './volume-stream.ts';
import { type Codec, XdrReader, XdrWriter } from './xdr.ts';

export interface RpcOptions {
  /** How long one call may take; the daemon's slowest work (memory to disk) takes minutes. */
  readonly callTimeoutMs: number;
  /** Names the peer in messages. */
  readonly peer: string;
}

interface Waiting {
  readonly what: string;
  resolve(body: Buffer): void;
  reject(error: Error): void;
}

const pingMs = 10_000;
const silenceMs = 40_000;
const ping = 1;
const pong = 2;
const empty = Buffer.alloc(0);

/**
 * Calls, streams and events on one connection. Any number of calls may be under way; a stream shares the connection with
 * them. Whatever goes wrong with the connection ends everything on it with a typed error.
 */
export class Rpc {
  readonly #socket: Duplex;
  readonly #options: RpcOptions;
  readonly #frames = new FrameSplitter();
  readonly #waiting = new Map<number, Waiting>();
  readonly #streams = new Map<number, VolumeStream>();
  readonly #eventListeners = new Set<(procedure: number, body: Buffer) => void>();
  readonly #watch: NodeJS.Timeout;
  #serial = 0;
  #ended: Error | undefined;
  #lastHeard = performance.now();
  #answersPings = false;

  constructor(socket: Duplex, options: RpcOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (piece: Buffer) => this.#receive(piece));
    socket.on('error', (error) => this.#end(this.#lost(error.message, error)));
    socket.on('close', () => this.#end(this.#lost('the peer closed it')));
    this.#watch = setInterval(() => this.#checkPeer(), pingMs);
    this.#watch.unref();
  }

  /** Calls a procedure. Throws LibvirtError, ConnectionLostError, ProtocolError or CallTimeoutError. */
  async call<K extends ProcedureName>(name: K, args: ArgsOf<K>): Promise<ResultOf<K>> {
    const { body } = await this.#send(name, args);
    return this.#decode(procedures[name].result as Codec<ResultOf<K>>, body, name);
  }

  /** Calls a procedure that opens a stream. */
  async openStream<K extends ProcedureName>(name: K, args: ArgsOf<K>): Promise<VolumeStream> {
    const { number } = procedures[name];
    const serial = this.#nextSerial();
    const stream = new VolumeStream({
      send: (status, body) =>
        this.#write({ procedure: number, type: messageTypes.stream, serial, status }, body),
      sendHole: (body) =>
        this.#write({ procedure: number, type: messageTypes.hole, serial, status: statuses.more }, body),
      pause: (paused) => (paused ? this.#socket.pause() : this.#socket.resume()),
      drained: (signal) => this.#drained(signal),
      closed: () => this.#streams.delete(serial),
      timeoutMs: this.#options.callTimeoutMs,
      peer: this.#options.peer,
    });
    this.#streams.set(serial, stream); // data may follow the answer in the same packet
    try {
      await this.#send(name, args, serial);
    } catch (error) {
      this.#streams.delete(serial);
      throw error;
    }
    return stream;
  }

  /** Hears every event message until the returned function is called. */
  onEvent(listener: (procedure: number, body: Buffer) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /** Says goodbye and closes; a peer that does not answer is not waited for. */
  async close(): Promise<void> {
    if (!this.#ended) {
      const goodbye = this.call('connectClose', {}).then(ignore, ignore);
      await Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
    }
    this.#end(new ConnectionLostError(`The connection to ${this.#options.peer} was closed on this side`));
    this.#socket.destroy();
  }

  async #send<K extends ProcedureName>(
    name: K,
    args: ArgsOf<K>,
    serial = this.#nextSerial(),
  ): Promise<{ body: Buffer }> {
    if (this.#ended) throw this.#ended;
    const { number, args: codec } = procedures[name];
    const out = new XdrWriter();
    (codec as Codec<ArgsOf<K>>).write(out, args);
    const { callTimeoutMs, peer } = this.#options;
    const body = await new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(serial);
        reject(
          new CallTimeoutError(`libvirt at ${peer} did not answer ${name} within ${callTimeoutMs / 1000} s`),
        );
      }, callTimeoutMs);
      const settled = (act: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(serial);
        act();
      };
      this.#waiting.set(serial, {
        what: name,
        resolve: (answer) => settled(() => resolve(answer)),
        reject: (error) => settled(() => reject(error)),
      });
      this.#write({ procedure: number, type: messageTypes.call, serial, status: statuses.ok }, out.bytes());
    });
    return { body };
  }

  #nextSerial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /** false: the socket's buffer is full. */
  #write(
    frame: Pick<Frame, 'procedure' | 'type' | 'serial' | 'status'>,
    body: Buffer,
    program = remoteProgram,
  ): boolean {
    if (this.#ended) return true; // whoever waits has been told already
    this.#socket.cork();
    this.#socket.write(frameHeader({ program, ...frame }, body.length));
    const room = this.#socket.write(body);
    this.#socket.uncork();
    return room;
  }

  async #drained(signal: AbortSignal): Promise<void> {
    if (!this.#socket.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#socket.off('drain', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#socket.once('drain', done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #receive(piece: Buffer): void {
    this.#lastHeard = performance.now();
    try {
      for (const frame of this.#frames.push(piece)) this.#handle(frame);
    } catch (error) {
      const broken = error instanceof RangeError ? this.#unreadable('a message', error) : (error as Error);
      this.#end(broken);
      this.#socket.destroy();
    }
  }

  #handle(frame: Frame): void {
    if (frame.program === keepaliveProgram) {
      if (frame.procedure === ping) {
        this.#write(
          { procedure: pong, type: messageTypes.event, serial: 0, status: 0 },
          empty,
          keepaliveProgram,
        );
      } else this.#answersPings = true;
      return;
    }
    if (frame.program !== remoteProgram)
      throw new ProtocolError(`${this.#options.peer} sent a message of the unknown program ${frame.program}`);
    if (frame.type === messageTypes.event) {
      for (const listener of this.#eventListeners) listener(frame.procedure, frame.body);
      return;
    }
    const waiting = this.#waiting.get(frame.serial);
    const stream = this.#streams.get(frame.serial);
    if (frame.status === statuses.error) {
      const error = new LibvirtError(this.#decode(remoteError, frame.body, 'an error'));
      if (waiting) waiting.reject(error);
      else stream?.fail(error);
    } else if (frame.type === messageTypes.stream) stream?.receive(frame.status, frame.body);
    else if (frame.type === messageTypes.hole)
      stream?.fail(new ProtocolError('a hole came in a stream that asked for none'));
    else waiting?.resolve(frame.body); // an answer that nobody waits for any more came too late
  }

  #decode<T>(codec: Codec<T>, body: Buffer, what: string): T {
    try {
      return codec.read(new XdrReader(body));
    } catch (error) {
      throw this.#unreadable(`the answer to ${what}`, error);
    }
  }

  #unreadable(what: string, cause: unknown): ProtocolError {
    return new ProtocolError(`${what} from ${this.#options.peer} cannot be read`, { cause });
  }

  /** A peer that once answered pings and has been silent for long, while somebody waits, is gone. */
  #checkPeer(): void {
    if (this.#waiting.size === 0 && this.#streams.size === 0) {
      this.#lastHeard = performance.now();
      return;
    }
    if (this.#socket.isPaused()) return;
    if (this.#answersPings && performance.now() - this.#lastHeard > silenceMs) {
      this.#end(this.#lost(`it has been silent for ${silenceMs / 1000} s`));
      this.#socket.destroy();
      return;
    }
    this.#write({ procedure: ping, type: messageTypes.event, serial: 0, status: 0 }, empty, keepaliveProgram);
  }

  #lost(why: string, cause?: unknown): ConnectionLostError {
    const [first] = this.#waiting.values();
    const during = first ? ` during ${first.what}` : '';
    return new ConnectionLostError(
      `The connection to libvirt at ${this.#options.peer} was lost${during}: ${why}`,
      { cause },
    );
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    clearInterval(this.#watch);
    for (const waiting of [...this.#waiting.values()]) waiting.reject(error);
    for (const stream of [...this.#streams.values()]) stream.fail(error);
  }
}

function ignore(): void {}
