/**
 * XDR (RFC 4506) as far as libvirt uses it: big-endian numbers, strings and opaque data padded to four bytes.
 * Codecs are values that know both directions; the TypeScript types of messages follow from them.
 */

export interface Codec<T> {
  write(out: XdrWriter, value: T): void;
  read(from: XdrReader): T;
}
export type Decoded<C> = C extends Codec<infer T> ? T : never;

const padding = (length: number): number => (4 - (length & 3)) & 3;

export class XdrWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value >>> 0, this.#length);
  }

  uint64(value: bigint): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeBigUInt64BE(value, this.#length);
  }

  opaque(bytes: Uint8Array): void {
    const pad = padding(bytes.length);
    this.#reserve(bytes.length + pad);
    this.#buffer.set(bytes, this.#length);
    this.#buffer.fill(0, this.#length + bytes.length, this.#length + bytes.length + pad);
    this.#length += bytes.length + pad;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** Throws a RangeError when a message ends before what it announces. */
export class XdrReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  uint32(): number {
    const value = this.#buffer.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint64(): bigint {
    const value = this.#buffer.readBigUInt64BE(this.#at);
    this.#at += 8;
    return value;
  }

  opaque(length: number): Buffer {
    if (this.#at + length > this.#buffer.length) {
      throw new RangeError(`${length} bytes announced, ${this.#buffer.length - this.#at} there`);
    }
    const value = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at += length + padding(length);
    return value;
  }
}

export const uint32: Codec<number> = {
  write: (out, value) => out.uint32(value),
  read: (from) => from.uint32(),
};
export const int32: Codec<number> = {
  write: (out, value) => out.uint32(value),
  read: (from) => from.int32(),
};
export const boolean: Codec<boolean> = {
  write: (out, value) => out.uint32(value ? 1 : 0),
  read: (from) => from.uint32() !== 0,
};

/** An unsigned 64-bit count of bytes or seconds as a number; what a number cannot hold exactly is refused. */
export const size: Codec<number> = {
  write: (out, value) => out.uint64(BigInt(value)),
  read(from) {
    const value = Number(from.uint64());
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is too large`);
    return value;
  },
};

/** 64 bits, whatever they mean. */
const bits64: Codec<bigint> = {
  write: (out, value) => out.uint64(value),
  read: (from) => from.uint64(),
};

/** The same bits read as another type; numbers beyond 2^53 lose their last digits. */
const seen64 = (toNumber: (bits: bigint) => number, toBits: (value: number) => bigint): Codec<number> => ({
  write: (out, value) => bits64.write(out, toBits(value)),
  read: (from) => toNumber(bits64.read(from)),
});
const uint64 = seen64(Number, BigInt);
const int64 = seen64(
  (bits) => Number(BigInt.asIntN(64, bits)),
  (value) => BigInt.asUintN(64, BigInt(value)),
);
const double = seen64(
  (bits) => new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? Number.NaN,
  (value) => new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n,
);

export const text: Codec<string> = {
  write(out, value) {
    const bytes = Buffer.from(value, 'utf8');
    out.uint32(bytes.length);
    out.opaque(bytes);
  },
  read: (from) => from.opaque(from.uint32()).toString('utf8'),
};

/** Opaque data of a fixed length, as hex digits. */
export const fixedHex = (length: number): Codec<string> => ({
  write: (out, value) => out.opaque(Buffer.from(value, 'hex')),
  read: (from) => from.opaque(length).toString('hex'),
});

export const optional = <T>(inner: Codec<T>): Codec<T | undefined> => ({
  write(out, value) {
    out.uint32(value === undefined ? 0 : 1);
    if (value !== undefined) inner.write(out, value);
  },
  read: (from) => (from.uint32() === 0 ? undefined : inner.read(from)),
});

export const list = <T>(inner: Codec<T>): Codec<T[]> => ({
  write(out, values) {
    out.uint32(values.length);
    for (const value of values) inner.write(out, value);
  },
  read(from) {
    const length = from.uint32();
    return Array.from({ length }, () => inner.read(from));
  },
});

type Fields = Readonly<Record<string, Codec<never>>>;
type StructOf<F> = { -readonly [K in keyof F]: Decoded<F[K]> };

/** Fields one after the other, in the order in which they are written here. */
export function struct<const F extends Readonly<Record<string, unknown>>>(fields: F): Codec<StructOf<F>> {
  const entries = Object.entries(fields as unknown as Fields);
  return {
    write(out, value) {
      for (const [name, codec] of entries) codec.write(out, (value as Record<string, never>)[name] as never);
    },
    read(from) {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(from);
      return value as StructOf<F>;
    },
  };
}

type Parameter = number | boolean | string;
/** By libvirt's number of the type, from 1. */
const parameterTypes: readonly { read(from: XdrReader): Parameter }[] = [
  int32,
  uint32,
  int64,
  uint64,
  double,
  boolean,
  text,
];

const parameterValue: Codec<Parameter> = {
  write() {
    throw new RangeError('parameters are only read');
  },
  read(from) {
    const type = from.uint32();
    const codec = parameterTypes[type - 1];
    if (!codec) throw new RangeError(`a parameter has the unknown type ${type}`);
    return codec.read(from);
  },
};

/** libvirt's typed parameters: names, each with a value that says its type. */
export const parameters = list(struct({ name: text, value: parameterValue }));
