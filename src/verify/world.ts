import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import type { JsonValue } from '../cpi/backend.ts';
import { type CallerKind, type Exchange, readAnswer } from './exchange.ts';
import { Ledger } from './ledger.ts';
import type { Scene } from './scene.ts';

/** One run of the suite over a scene: what was asked and what stands. */
export class World {
  readonly scene: Scene;
  readonly ledger = new Ledger();
  readonly exchanges: Exchange[] = [];
  /** What the hypervisor had before the first call. */
  before: { readonly vms: readonly string[]; readonly storage: readonly string[] } | undefined;
  readonly #directorUuid = randomUUID();
  readonly #images = new Map<string, Promise<string>>();

  constructor(scene: Scene) {
    this.scene = scene;
  }

  /** Calls the CPI as bosh's command line or its director does (contract 1.1). */
  async ask(
    caller: CallerKind,
    method: string,
    args: readonly JsonValue[],
    apiVersion = 2,
  ): Promise<Exchange> {
    const context = { director_uuid: this.#directorUuid, ...this.#contextOf(caller) };
    // the director does not know the version yet when it asks for it
    const version =
      method !== 'info' ? { api_version: apiVersion } : caller === 'cli' ? { api_version: 1 } : {};
    return await this.askText(
      caller,
      JSON.stringify({ method, arguments: args, context, ...version }),
      method,
      args,
    );
  }

  async askText(
    caller: CallerKind,
    request: string,
    method: string,
    args: readonly JsonValue[],
    program = this.scene.cpi,
  ): Promise<Exchange> {
    const raw = await program(request, caller);
    const exchange = { method, arguments: args, raw, ...readAnswer(raw) };
    this.exchanges.push(exchange);
    const { answer } = exchange;
    if (answer && !answer.error) this.ledger.note(method, args, answer.result);
    return exchange;
  }

  /** The stemcell's image with other bytes and the same content, or undefined if it is not packed with gzip. */
  async otherImage(name: string): Promise<string | undefined> {
    const { imagePath } = this.scene.stemcell;
    if (!(await isGzip(imagePath))) return undefined;
    const known = this.#images.get(name);
    if (known) return await known;
    const writing = appendMember(imagePath, join(this.scene.folder, `image-${name}`), name);
    this.#images.set(name, writing);
    return await writing;
  }

  #contextOf(caller: CallerKind): Record<string, JsonValue> {
    const vm = { stemcell: { api_version: this.scene.stemcell.apiVersion } };
    return caller === 'cli'
      ? { vm }
      : { vm, request_id: `cpi-${String(Math.floor(Math.random() * 1e6)).padStart(6, '0')}` };
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
  } finally {
    await file.close();
  }
}

/** A gzip file may have several members: an empty one with a name of its own changes nothing but the bytes. */
async function appendMember(from: string, to: string, name: string): Promise<string> {
  const member = gzipSync('');
  const named = Buffer.concat([member.subarray(0, 3), Buffer.from([0x08]), member.subarray(4, 10)]);
  await pipeline(async function* () {
    yield* createReadStream(from);
    yield Buffer.concat([named, Buffer.from(`${name}\0`), member.subarray(10)]);
  }, createWriteStream(to));
  return to;
}
