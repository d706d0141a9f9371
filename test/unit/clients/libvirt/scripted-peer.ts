import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** One message as it stands on the wire; numbers as in libvirt's protocol description. */
export interface Message {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  readonly body: Buffer;
}
export const wire = {
  remote: 0x20008086,
  keepalive: 0x6b656570,
  call: 0,
  reply: 1,
  event: 2,
  stream: 3,
  hole: 6,
  ok: 0,
  error: 1,
  more: 2,
  authList: 66,
  authPolkit: 70,
  connectOpen: 1,
  connectClose: 2,
  hostname: 59,
  upload: 208,
  download: 209,
  ping: 1,
  pong: 2,
} as const;

export const word = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => {
    bytes.writeInt32BE(value | 0, at * 4);
  });
  return bytes;
};
export const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([word(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
};
/** A remote_error with code, domain and message. */
export const errorBody = (code: number, domain: number, message: string): Buffer =>
  Buffer.concat([word(code, domain, 1), text(message), word(2, 0, 0, 0, 0, 7, 0, 0)]);

/** One client's connection as the peer sees it. */
export class PeerConnection {
  readonly socket: Socket;
  readonly heard: Message[] = [];
  readonly #line: Line;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, script: Script, line: Line) {
    this.socket = socket;
    this.#line = line;
    socket.on('error', () => socket.destroy());
    socket.on('data', (piece) => {
      this.#rest = Buffer.concat([this.#rest, piece]);
      for (let length = this.#wholeMessage(); length > 0; length = this.#wholeMessage()) {
        const message = read(this.#rest.subarray(0, length));
        this.#rest = this.#rest.subarray(length);
        this.heard.push(message);
        script(message, this);
      }
    });
  }

  #wholeMessage(): number {
    const length = this.#rest.length < 4 ? 0 : this.#rest.readUInt32BE(0);
    return this.#rest.length >= length ? length : 0;
  }

  send(message: Partial<Message>): void {
    this.#line(write(message), this.socket);
  }

  reply(to: Message, body: Buffer = Buffer.alloc(0), status: number = wire.ok): void {
    this.send({ ...to, type: wire.reply, status, body });
  }
}

export type Script = (message: Message, peer: PeerConnection) => void;
/** Carries what the peer says to the client, whole or not. */
export type Line = (bytes: Buffer, socket: Socket) => void;

const faultless: Line = (bytes, socket) => {
  socket.write(bytes);
};

function read(bytes: Buffer): Message {
  const [program = 0, , procedure = 0, type = 0, serial = 0, status = 0] = [4, 8, 12, 16, 20, 24].map((at) =>
    bytes.readUInt32BE(at),
  );
  return { program, procedure, type, serial, status, body: Buffer.from(bytes.subarray(28)) };
}

export function write(message: Partial<Message>): Buffer {
  const {
    program = wire.remote,
    procedure = 0,
    type = wire.reply,
    serial = 0,
    status = wire.ok,
    body = Buffer.alloc(0),
  } = message;
  return Buffer.concat([word(28 + body.length, program, 1, procedure, type, serial, status), body]);
}

/** Lets everybody in, answers goodbyes and pings, confirms that a stream was given up, and leaves the rest to `script`. */
export const friendly =
  (script: Script = () => {}): Script =>
  (message, peer) => {
    if (message.program === wire.keepalive) {
      if (message.procedure === wire.ping) peer.send({ ...message, procedure: wire.pong });
    } else if (message.procedure === wire.authList) peer.reply(message, word(1, 0));
    else if (message.procedure === wire.connectOpen) peer.reply(message);
    else if (message.procedure === wire.connectClose) peer.reply(message);
    else {
      script(message, peer);
      if (message.type === wire.stream && message.status === wire.error)
        peer.send({ ...message, body: errorBody(39, 0, 'stream aborted at client request') });
    }
  };

export interface ScriptedPeer extends AsyncDisposable {
  readonly socketPath: string;
  readonly uri: string;
  readonly connections: PeerConnection[];
}

/** A libvirtd that says what `script` says, on a unix socket of its own; `lineOf` makes the line of each connection. */
export async function startPeer(script: Script, lineOf: () => Line = () => faultless): Promise<ScriptedPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'peer-'));
  const socketPath = join(folder, 'sock');
  const connections: PeerConnection[] = [];
  const server = createServer((socket) => {
    connections.push(new PeerConnection(socket, script, lineOf()));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    for (const { socket } of connections) socket.destroy();
    server.close();
    await rm(folder, { recursive: true, force: true });
  };
  const dispose = () => {
    stopped ??= stop();
    return stopped;
  };
  onTestFinished(dispose); // also of a test that ran out of time
  const uri = `qemu:///system?socket=${socketPath}`;
  return { socketPath, uri, connections, [Symbol.asyncDispose]: dispose };
}
