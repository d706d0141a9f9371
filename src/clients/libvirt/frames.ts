import { ProtocolError } from './errors.ts';

/** Program and version numbers of the protocols that share the connection. */
export const remoteProgram = 0x20008086;
export const keepaliveProgram = 0x6b656570;

export const messageTypes = { call: 0, reply: 1, event: 2, stream: 3, hole: 6 } as const;
export const statuses = { ok: 0, error: 1, more: 2 } as const;

export interface Frame {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  readonly body: Buffer;
}

const headerBytes = 28;
/** libvirt's own limit on one message: its length's four bytes are not counted. */
const maxFrameBytes = 32 * 1024 * 1024 + 4;
/** libvirtd hangs up on a client that sends a larger body. */
export const maxBodyBytes = maxFrameBytes - headerBytes;

/** The header of a message whose body has `bodyBytes` bytes. */
export function frameHeader(frame: Omit<Frame, 'body'>, bodyBytes: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  const words = [
    headerBytes + bodyBytes,
    frame.program,
    1,
    frame.procedure,
    frame.type,
    frame.serial,
    frame.status,
  ];
  words.forEach((word, at) => {
    header.writeUInt32BE(word, at * 4);
  });
  return header;
}

/** Cuts a byte stream into messages; bytes are joined once per message, however many pieces they come in. */
export class FrameSplitter {
  #pieces: Buffer[] = [];
  #held = 0;
  #wanted = 4;

  /** The messages that are whole now. Throws a ProtocolError for a length that no message can have. */
  *push(piece: Buffer): Generator<Frame> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    while (this.#held >= this.#wanted) {
      const all = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
      const length = all.readUInt32BE(0);
      if (length < headerBytes || length > maxFrameBytes) {
        throw new ProtocolError(
          `a message of ${length} bytes was announced: the peer does not speak libvirt's protocol`,
        );
      }
      const whole = all.length >= length;
      const rest = whole ? all.subarray(length) : all;
      this.#pieces = rest.length > 0 ? [rest] : [];
      this.#held = rest.length;
      this.#wanted = whole ? 4 : length;
      if (whole) yield frameFrom(all.subarray(0, length));
    }
  }
}

function frameFrom(bytes: Buffer): Frame {
  return {
    program: bytes.readUInt32BE(4),
    procedure: bytes.readUInt32BE(12),
    type: bytes.readUInt32BE(16),
    serial: bytes.readUInt32BE(20),
    status: bytes.readUInt32BE(24),
    body: bytes.subarray(headerBytes),
  };
}
