import type { Duplex } from 'node:stream';
import { UserError } from '../../platform/errors.ts';
import { type Call, callOf, wordsOf } from './call.ts';
import { CallTimeoutError, ConnectionLostError, LibvirtError, ProtocolError } from './errors.ts';
import {
  type Frame,
  FrameSplitter,
  keepaliveProgram,
  maxBodyBytes,
  messageTypes,
  remoteProgram,
  statuses,
} from './frames.ts';
import { Keepalive, type KeepaliveOptions } from './keepalive.ts';
import { Outbox } from './outbox.ts';
import { PendingCalls } from './pending-calls.ts';
import { type ArgsOf, type ProcedureName, procedures, type ResultOf, remoteError } from './procedures.ts';
import { VolumeStream } from './volume-stream.ts';
import { type Codec, XdrReader, XdrWriter } from './xdr.ts';

export interface RpcOptions {
  /** How long one call may take; the daemon's slowest work (memory to disk) takes minutes. */
  readonly callTimeoutMs: number;
  /** Names the peer in messages. */
  readonly peer: string;
  readonly keepalive?: KeepaliveOptions;
}

export interface EventListener {
  event(procedure: number, body: Buffer): void;
  /** The connection ended: no event will come any more. */
  ended(error: Error): void;
}

const ping = 1;
const pong = 2;
const empty = Buffer.alloc(0);
/** libvirtd reads nothing more from a client that has this many calls under way (its max_client_requests). */
const maxServedCalls = 5;
/** What is under way when the connection is closed has this long to end well. */
const goodbyeMs = 2_000;

/**
 * Calls, streams and events on one connection. Any number of calls may be under way; a stream shares the connection with
 * them. Whatever goes wrong with the connection ends everything on it with a typed error.
 */
export class Rpc {
  readonly #socket: Duplex;
  readonly #options: RpcOptions;
  readonly #outbox: Outbox;
  readonly #frames = new FrameSplitter();
  readonly #calls = new PendingCalls();
  readonly #streams = new Map<number, VolumeStream>();
  readonly #listeners = new Set<EventListener>();
  #keepalive: Keepalive | undefined;
  /** Streams that this side gave up, until the server confirms it. */
  readonly #unconfirmed = new Set<number>();
  #closing: Error | undefined;
  #closed: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;
  #serial = 0;
  #ended: Error | undefined;

  constructor(socket: Duplex, options: RpcOptions) {
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#options = options;
    socket.on('data', (piece: Buffer) => this.#receive(piece));
    socket.on('error', (error) => this.#end(this.#lost(error.message, error)));
    socket.on('close', () => this.#end(this.#lost('the peer closed it')));
  }

  /** From now on a peer that dies without a word is noticed. */
  keepAlive(): void {
    const peer = {
      ping: () => this.#sendKeepalive(ping),
      maySleep: () => this.#isQuiet(),
      gone: (silentMs: number) => {
        this.#end(this.#lost(`it has been silent for ${silentMs / 1000} s`));
        this.#socket.destroy();
      },
    };
    this.#keepalive = new Keepalive(peer, this.#options.keepalive);
  }

  /** Calls a procedure. Throws LibvirtError, ConnectionLostError, ProtocolError or CallTimeoutError. */
  async call<K extends ProcedureName>(name: K, args: ArgsOf<K>): Promise<ResultOf<K>> {
    const call = callOf(name, args);
    const body = await this.#request(name, args, this.#nextSerial(), call);
    const what = `the answer to ${wordsOf(call)}`;
    return this.#decode(procedures[name].result as Codec<ResultOf<K>>, body, what);
  }

  /** Calls a procedure that opens a stream. */
  async openStream<K extends ProcedureName>(name: K, args: ArgsOf<K>): Promise<VolumeStream> {
    const { number } = procedures[name];
    const serial = this.#nextSerial();
    const call = callOf(name, args);
    const stream = new VolumeStream({
      call,
      send: (status, body) =>
        this.#write({ procedure: number, type: messageTypes.stream, serial, status }, body),
      sendHole: (body) =>
        this.#write({ procedure: number, type: messageTypes.hole, serial, status: statuses.more }, body),
      drained: () => this.#outbox.drained(),
      demandChanged: () => this.#regulate(),
      closed: (gaveUp) => {
        this.#streams.delete(serial);
        if (gaveUp && !this.#ended) this.#unconfirmed.add(serial);
        this.#regulate();
      },
      timeoutMs: this.#options.callTimeoutMs,
      peer: this.#options.peer,
    });
    this.#streams.set(serial, stream); // data may follow the answer in the same packet
    try {
      await this.#request(name, args, serial, call);
    } catch (error) {
      this.#streams.delete(serial);
      throw error;
    }
    if (this.#closing) stream.giveUp(this.#closing);
    return stream;
  }

  /** Hears every event message until the returned function is called. */
  listen(listener: EventListener): () => void {
    if (this.#ended) listener.ended(this.#ended);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends what is under way, says goodbye and closes; a peer that does not answer is not waited for. */
  async close(): Promise<void> {
    this.#closed ??= this.#leave();
    await this.#closed;
  }

  /** libvirtd 9.0 crashes now and then when a client hangs up on a transfer or a call: these come to their ends first. */
  async #leave(): Promise<void> {
    const closed = new ConnectionLostError(
      `The connection to libvirt at ${this.#options.peer} was closed on this side`,
    );
    const goodbye = async () => {
      await this.#idle();
      if (!this.#ended) await this.call('connectClose', {});
    };
    this.#closing = closed;
    for (const [serial, stream] of this.#streams) if (!this.#calls.has(serial)) stream.giveUp(closed);
    const patienceMs = Math.min(goodbyeMs, this.#options.callTimeoutMs);
    const enough = new Promise<void>((resolve) => setTimeout(resolve, patienceMs).unref());
    await Promise.race([goodbye().catch(ignore), enough]);
    this.#end(closed);
    this.#socket.destroy();
  }

  /** Resolves when nothing is under way, also because the connection ended. */
  async #idle(): Promise<void> {
    if (this.#isBusy)
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
  }

  get #isBusy(): boolean {
    return !this.#ended && this.#calls.count + this.#streams.size + this.#unconfirmed.size > 0;
  }

  async #request<K extends ProcedureName>(
    name: K,
    args: ArgsOf<K>,
    serial: number,
    call: Call,
  ): Promise<Buffer> {
    if (this.#ended) throw this.#ended;
    if (this.#closing && name !== 'connectClose') throw this.#closing;
    const { number, args: codec } = procedures[name];
    const { callTimeoutMs, peer } = this.#options;
    const out = new XdrWriter();
    (codec as Codec<ArgsOf<K>>).write(out, args);
    const message = out.bytes();
    if (message.length > maxBodyBytes) {
      throw new UserError(
        'USAGE',
        `${wordsOf(call)}: ${message.length} bytes are more than libvirt takes at once`,
      );
    }
    const answer = this.#calls.answerTo(serial, call, callTimeoutMs, () => {
      return new CallTimeoutError(
        `libvirt at ${peer} did not answer ${wordsOf(call)} within ${callTimeoutMs / 1000} s`,
      );
    });
    this.#write({ procedure: number, type: messageTypes.call, serial, status: statuses.ok }, message);
    this.#regulate();
    const { status: outcome, body } = await answer;
    if (outcome === statuses.error) throw this.#refusal(body, call); // here, so that its stack names the caller
    return body;
  }

  #nextSerial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /** false: the socket's buffer is full. */
  #write(frame: Parameters<Outbox['send']>[0], body: Buffer, program?: number): boolean {
    if (this.#ended) return true; // whoever waits has been told already
    return this.#outbox.send(frame, body, program);
  }

  /** Stops reading while a download's reader is behind, unless somebody waits for what is yet to be read. */
  #regulate(): void {
    const streams = [...this.#streams.values()];
    const awaited = this.#calls.count > 0 || streams.some((stream) => stream.isAwaited);
    if (!awaited && streams.some((stream) => stream.isBehind)) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #receive(piece: Buffer): void {
    this.#keepalive?.heard();
    try {
      for (const frame of this.#frames.push(piece)) this.#handle(frame);
    } catch (error) {
      const broken = error instanceof RangeError ? this.#unreadable('a message', error) : (error as Error);
      this.#end(broken);
      this.#socket.destroy();
    }
    if (!this.#isBusy) this.#whenIdle?.();
  }

  #handle(frame: Frame): void {
    if (frame.program === keepaliveProgram) {
      if (frame.procedure === ping) this.#sendKeepalive(pong);
      else this.#keepalive?.answered();
    } else if (frame.program !== remoteProgram)
      throw new ProtocolError(`${this.#options.peer} sent a message of the unknown program ${frame.program}`);
    else if (frame.type === messageTypes.event) {
      for (const listener of this.#listeners) listener.event(frame.procedure, frame.body);
    } else this.#answer(frame);
  }

  /** An answer or stream data. What nobody waits for any more (a call timed out, a stream was left) is dropped. */
  #answer(frame: Frame): void {
    const { type, serial, status, body } = frame;
    const stream = this.#streams.get(serial);
    if (type === messageTypes.reply) this.#calls.answer(frame);
    else if (!stream) {
      if (status !== statuses.more) this.#unconfirmed.delete(serial);
    } else if (status === statuses.error) stream.fail(this.#refusal(body, stream.call));
    else if (type === messageTypes.stream) stream.receive(status, body);
    else
      stream.fail(new ProtocolError(`${wordsOf(stream.call)} brought an unexpected message of type ${type}`));
  }

  #refusal(body: Buffer, call: Call): LibvirtError {
    return new LibvirtError(this.#decode(remoteError, body, `the refusal of ${wordsOf(call)}`), call);
  }

  #sendKeepalive(procedure: number): void {
    this.#write({ procedure, type: messageTypes.event, serial: 0, status: 0 }, empty, keepaliveProgram);
  }

  #decode<T>(codec: Codec<T>, body: Buffer, what: string): T {
    try {
      return codec.read(new XdrReader(body));
    } catch (error) {
      throw this.#unreadable(what, error);
    }
  }

  #unreadable(what: string, cause: unknown): ProtocolError {
    return new ProtocolError(`${what} from ${this.#options.peer} cannot be read`, { cause });
  }

  #isQuiet(): boolean {
    const streams = [...this.#streams.values()];
    const nobodyWaits = this.#calls.count + streams.length + this.#listeners.size === 0;
    const isDeaf = this.#calls.count >= maxServedCalls || streams.some((stream) => stream.isUpload);
    return nobodyWaits || isDeaf || this.#socket.isPaused();
  }

  #lost(why: string, cause?: unknown): ConnectionLostError {
    if (cause instanceof ConnectionLostError) return cause; // the way to the peer knows better
    const during = this.#calls.oldest === undefined ? '' : ` during ${wordsOf(this.#calls.oldest)}`;
    return new ConnectionLostError(
      `The connection to libvirt at ${this.#options.peer} was lost${during}: ${why}`,
      { cause },
    );
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#keepalive?.stop();
    this.#calls.refuseAll(error);
    for (const stream of this.#streams.values()) stream.fail(error);
    for (const listener of this.#listeners) listener.ended(error);
    this.#whenIdle?.();
  }
}

function ignore(): void {}
