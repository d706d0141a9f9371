/** A conversation with every kind of message, cut at each byte or damaged on the way: each ends, and with a typed error. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  CallTimeoutError,
  ConnectionLostError,
  connectLibvirt,
  type Libvirt,
  LibvirtError,
  ProtocolError,
} from '../../../../src/clients/libvirt/index.ts';
import {
  errorBody,
  friendly,
  type Line,
  type Message,
  startPeer,
  text,
  wire,
  word,
} from './scripted-peer.ts';

const uuid = Buffer.alloc(16, 0xab);
const domain = Buffer.concat([text('vm-1'), uuid, word(-1)]);
const lease = [
  text('br'),
  word(0, 99, 0, 1),
  text('52:54:00:00:00:01'),
  word(0),
  text('10.0.0.2'),
  word(24, 0, 0),
];
/** Answers by procedure number, in the shapes of libvirt's remote_protocol.x. */
const answers: Readonly<Record<number, Buffer>> = {
  [wire.hostname]: text('host'),
  273: Buffer.concat([word(2), domain, domain, word(2)]),
  353: Buffer.concat([word(1), text('eth0'), word(1), text('mac'), word(1, 0), text('10.0.0.2'), word(24)]),
  46: Buffer.concat([text('net'), uuid]),
  341: Buffer.concat([word(1), ...lease, word(1)]),
  84: Buffer.concat([text('p'), uuid]),
  87: word(2, 0, 3, 0, 2, 0, 1),
  97: Buffer.concat([text('p'), text('v'), text('/v')]),
};

function startTalker(lineOf: () => Line) {
  return startPeer(
    friendly((message, to) => {
      const stream = { ...message, type: wire.stream, status: wire.more };
      const event = Buffer.concat([word(1), domain, word(5, 1)]);
      if (message.type === wire.stream) answerStream(message, (part) => to.send({ ...message, ...part }));
      else if (message.procedure === 23) to.reply(message, errorBody(42, 10, 'no domain'), wire.error);
      else if (message.procedure === 316) {
        to.reply(message, word(1));
        to.send({ procedure: 318, type: wire.event, body: event });
      } else if (message.procedure === wire.download) {
        to.reply(message);
        for (const part of ['some', 'more', '']) to.send({ ...stream, body: Buffer.from(part) });
      } else to.reply(message, answers[message.procedure]);
    }),
    lineOf,
  );
}

/** Uploads end well, except those that bring the word "too much". */
function answerStream(message: Message, send: (part: Partial<Message>) => void): void {
  if (message.status === wire.ok) send({ body: Buffer.alloc(0) });
  if (message.body.includes('too much')) send({ status: wire.error, body: errorBody(38, 38, 'full') });
}

async function* once(words: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(words);
}

async function talk(libvirt: Libvirt): Promise<void> {
  const [first] = await libvirt.listDomains();
  await first?.interfaceAddresses();
  await (await libvirt.findNetwork('net'))?.leases();
  await (await libvirt.findPool('p'))?.info();
  await libvirt.findDomain('nope');
  {
    using events = await libvirt.events('lifecycle');
    const next = events[Symbol.asyncIterator]().next();
    next.catch(() => {}); // who waits is told; that the call below is told too is what counts
    await libvirt.hostname();
  }
  const volume = await libvirt.findVolumeByPath('/v');
  for await (const _piece of volume?.download() ?? []);
  await volume?.upload(once('well'));
  await volume?.upload(once('too much'));
}

/** Longer than anything that is under way here takes. */
const patientMs = 15_000;

/** What came of it: undefined if all went well, as far as the client can see. */
async function outcomeAt(uri: string, timeoutMs: number): Promise<unknown> {
  const attempt = async () => {
    const options = { connectTimeoutMs: timeoutMs, callTimeoutMs: timeoutMs };
    await using libvirt = await connectLibvirt(uri, options);
    await talk(libvirt);
  };
  return await Promise.race([
    attempt().catch((error: unknown) => error),
    sleep(2 * patientMs, 'it hangs', { ref: false }),
  ]);
}
const isTyped = (outcome: unknown) =>
  [LibvirtError, ConnectionLostError, ProtocolError, CallTimeoutError].some(
    (type) => outcome instanceof type,
  );

/** Tries every line, some side by side; gives what came of those that did not end as they should. */
async function failuresOf<T>(
  cases: readonly T[],
  lineOf: (one: T) => Line,
  isRight: (outcome: unknown) => boolean,
  timeoutMs = 100,
): Promise<unknown[]> {
  const left = [...cases];
  const failures: unknown[] = [];
  const worker = async () => {
    let line: Line = () => {};
    await using peer = await startTalker(() => line);
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      line = lineOf(one);
      const outcome = await outcomeAt(peer.uri, timeoutMs);
      if (!isRight(outcome)) failures.push(`${one}: ${outcome}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return failures;
}

/** How many bytes the peer says, when nothing goes wrong, to the end of its refusal of the last upload. */
async function wholeLength(): Promise<number> {
  let length = 0;
  let refused = false;
  await using peer = await startTalker(() => (bytes, socket) => {
    if (!refused) length += bytes.length;
    refused ||= bytes.includes('full');
    socket.write(bytes);
  });
  const outcome = await outcomeAt(peer.uri, patientMs);
  expect(outcome).toBeInstanceOf(LibvirtError);
  expect(outcome).toMatchObject({ libvirtCode: 38, procedure: 'volumeUpload' });
  return length;
}
const upTo = (length: number) => Array.from({ length }, (_, at) => at);

const cut =
  (then: (socket: Socket) => void) =>
  (length: number): Line => {
    let left = length;
    return (bytes, socket) => {
      const part = bytes.subarray(0, left);
      left -= part.length;
      socket.write(part);
      if (left === 0) then(socket);
    };
  };

test('a conversation that is cut at any byte ends with a lost connection', async () => {
  const points = upTo(await wholeLength());
  const isLost = (outcome: unknown) => outcome instanceof ConnectionLostError;
  expect(
    await failuresOf(
      points,
      cut((socket) => socket.end()),
      isLost,
      patientMs,
    ),
  ).toEqual([]);
});

test('a peer that falls silent at any byte is given up in time', async () => {
  const points = upTo(await wholeLength()).filter((at) => at % 7 === 0);
  const isLate = (outcome: unknown) => outcome instanceof CallTimeoutError;
  expect(
    await failuresOf(
      points,
      cut(() => {}),
      isLate,
    ),
  ).toEqual([]);
});

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('bytes that were changed on the way are an answer or a typed error, never a hang', async () => {
  const length = await wholeLength();
  const flips = (seed: number): Line => {
    const random = numbersFrom(seed);
    const changed = new Map(upTo(3).map(() => [Math.floor(random() * length), Math.floor(random() * 256)]));
    let at = 0;
    return (bytes, socket) => {
      socket.write(Buffer.from(bytes.map((byte, index) => changed.get(at + index) ?? byte)));
      at += bytes.length;
    };
  };
  const isFine = (outcome: unknown) => outcome === undefined || isTyped(outcome);
  expect(await failuresOf(upTo(250), flips, isFine)).toEqual([]);
});

test('noise instead of the rest of a conversation is a typed error', async () => {
  const length = await wholeLength();
  const noise = (seed: number): Line => {
    const random = numbersFrom(seed);
    const from = Math.floor(random() * length);
    let at = 0;
    return (bytes, socket) => {
      const byte = (real: number, index: number) => (at + index < from ? real : Math.floor(random() * 256));
      socket.write(Buffer.from(bytes.map(byte)));
      at += bytes.length;
    };
  };
  expect(await failuresOf(upTo(200), noise, isTyped)).toEqual([]);
});
