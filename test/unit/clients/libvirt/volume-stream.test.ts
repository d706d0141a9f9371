import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  CallTimeoutError,
  ConnectionLostError,
  connectLibvirt,
  LibvirtError,
  type Volume,
} from '../../../../src/clients/libvirt/index.ts';
import {
  errorBody,
  friendly,
  type Message,
  type PeerConnection,
  startPeer,
  text,
  wire,
  word,
} from './scripted-peer.ts';

const mib = 1024 * 1024;

interface StreamScript {
  /** The stream was opened (and that was answered). */
  opened?(open: Message, peer: PeerConnection): void;
  received?(message: Message, peer: PeerConnection): void;
}

/** A volume at a peer that opens every stream and then does as `script` says. */
async function volumeAt(script: StreamScript, options = {}) {
  const peer = await startPeer(
    friendly((message, to) => {
      if (message.type === wire.stream || message.type === wire.hole) script.received?.(message, to);
      else if (message.procedure === 97) to.reply(message, Buffer.concat([text('p'), text('v'), text('/v')]));
      else {
        to.reply(message);
        script.opened?.(message, to);
      }
    }),
  );
  const libvirt = await connectLibvirt(peer.uri, options);
  const volume = (await libvirt.findVolumeByPath('/v')) as Volume;
  return {
    peer,
    volume,
    async [Symbol.asyncDispose]() {
      await libvirt.close();
      await peer[Symbol.asyncDispose]();
    },
  };
}

async function* pieces(...contents: (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const content of contents) yield Buffer.from(content);
}
const streamed = (peer: PeerConnection | undefined) =>
  (peer?.heard ?? []).filter(({ type }) => type === wire.stream || type === wire.hole);
/** A value that has stopped changing. */
async function settled(value: () => number | undefined): Promise<number | undefined> {
  let before: number | undefined = -1;
  let last = value();
  while (before !== last) {
    await sleep(100);
    [before, last] = [last, value()];
  }
  return last;
}
const finish = (message: Message, peer: PeerConnection) => {
  if (message.type === wire.stream && message.status === wire.ok)
    peer.send({ ...message, body: Buffer.alloc(0) });
};

test('an upload is cut into messages that libvirtd takes, and ends when libvirtd has taken the last one', async () => {
  await using scene = await volumeAt({ received: finish });
  const content = Buffer.alloc(600_000, 'abcdefg');
  await scene.volume.upload(pieces(content, 'end'), { offsetBytes: 7, lengthBytes: 600_003 });
  const messages = streamed(scene.peer.connections[0]);
  expect(messages.map(({ status, body }) => [status, body.length])).toEqual([
    [wire.more, 262_120],
    [wire.more, 262_120],
    [wire.more, 75_760],
    [wire.more, 3],
    [wire.ok, 0],
  ]);
  expect(Buffer.concat(messages.map(({ body }) => body))).toEqual(
    Buffer.concat([content, Buffer.from('end')]),
  );
});

test('a sparse upload sends runs of zeroes as holes', async () => {
  await using scene = await volumeAt({ received: finish });
  const content = Buffer.alloc(mib + 10);
  content.fill(1, 131_072, 131_073);
  await scene.volume.upload(pieces(content), { sparse: true });
  const [before, data, after, end] = streamed(scene.peer.connections[0]);
  const hole = (length: number) => Buffer.concat([word(0, length), word(0)]);
  expect([before?.type, before?.body]).toEqual([wire.hole, hole(131_072)]);
  expect([data?.type, data?.body.length]).toEqual([wire.stream, 65_536]);
  expect([after?.type, after?.body]).toEqual([wire.hole, hole(mib + 10 - 131_072 - 65_536)]);
  expect([end?.type, end?.status]).toEqual([wire.stream, wire.ok]);
});

test('an upload is as slow as the peer', async () => {
  await using scene = await volumeAt({ opened: (_, peer) => peer.socket.pause(), received: finish });
  let sentMib = 0;
  async function* source() {
    for (; sentMib < 64; sentMib += 1) yield Buffer.alloc(mib);
  }
  const upload = scene.volume.upload(source());
  await settled(() => sentMib);
  expect(sentMib).toBeLessThan(8);
  scene.peer.connections[0]?.socket.resume();
  await upload;
  expect(sentMib).toBe(64);
});

test('a peer that takes nothing more is given up', async () => {
  const options = { callTimeoutMs: 100 };
  await using scene = await volumeAt({ opened: (_, peer) => peer.socket.pause() }, options);
  const work = scene.volume.upload(pieces(Buffer.alloc(16 * mib)));
  await expect(work).rejects.toThrow(CallTimeoutError);
});

test('a refusal in the middle of an upload ends it at once, though the source hangs', async () => {
  await using scene = await volumeAt({
    received: (message, peer) =>
      peer.send({ ...message, status: wire.error, body: errorBody(38, 38, 'No space left on device') }),
  });
  let released = false;
  async function* source() {
    try {
      yield Buffer.from('first');
      yield Buffer.from('second');
      await new Promise(() => {});
    } finally {
      released = true;
    }
  }
  const error = await scene.volume.upload(source()).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LibvirtError);
  expect(error).toMatchObject({
    libvirtCode: 38,
    procedure: 'volumeUpload',
    subject: "volume 'v' of pool 'p'",
  });
  expect((error as Error).message).toBe("No space left on device (volumeUpload of volume 'v' of pool 'p')");
  expect(released).toBe(false); // it cannot be: it hangs. But we do not wait for it.
  await scene.volume.resize(1); // by now the peer has heard all that we sent before
  expect(streamed(scene.peer.connections[0]).filter(({ status }) => status === wire.error)).toEqual([]);
});

test('a source that fails takes the upload back, and its error is the one thrown', async () => {
  await using scene = await volumeAt({});
  async function* source() {
    yield Buffer.from('first');
    throw new Error('the file is damaged');
  }
  await expect(scene.volume.upload(source())).rejects.toThrow('the file is damaged');
  await expect.poll(() => streamed(scene.peer.connections[0]).at(-1)?.status).toBe(wire.error);
});

test('a signal ends an upload at once, tells the peer and closes the source', async () => {
  await using scene = await volumeAt({});
  const giveUp = new AbortController();
  let closed = false;
  async function* source() {
    try {
      for (;;) yield Buffer.from('more');
    } finally {
      closed = true;
    }
  }
  const work = scene.volume.upload(source(), { signal: giveUp.signal });
  setTimeout(() => giveUp.abort(new Error('enough')), 20);
  await expect(work).rejects.toThrow('enough');
  expect(closed).toBe(true);
  const { signal } = giveUp;
  await expect(scene.volume.upload(hangingSource(), { signal })).rejects.toThrow('enough');
  await expect.poll(() => streamed(scene.peer.connections[0]).at(-1)?.status).toBe(wire.error);
});

test('a lost connection ends an upload and a download', async () => {
  await using scene = await volumeAt({
    opened: (open, peer) => {
      if (open.procedure === wire.download) peer.socket.destroy();
    },
  });
  const upload = scene.volume.upload(hangingSource());
  const download = read(scene.volume.download());
  await expect(upload).rejects.toThrow(ConnectionLostError);
  await expect(download).rejects.toThrow(ConnectionLostError);
});

async function* hangingSource(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x');
  await new Promise(() => {});
}
async function read(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
/** Data for a client, with the server's end of data. */
const sendAll = (open: Message, peer: PeerConnection, ...contents: Buffer[]) => {
  for (const body of [...contents, Buffer.alloc(0)]) {
    peer.send({ ...open, type: wire.stream, status: wire.more, body });
  }
};

test('a download gives all bytes and takes leave of the server', async () => {
  await using scene = await volumeAt({
    opened: (open, peer) => sendAll(open, peer, Buffer.from('one'), Buffer.from('two')),
    received: finish,
  });
  expect((await read(scene.volume.download())).toString()).toBe('onetwo');
  expect(streamed(scene.peer.connections[0]).map(({ status }) => status)).toEqual([wire.ok]);
});

test('a download that breaks off gives what came, then libvirt’s error', async () => {
  await using scene = await volumeAt({
    opened: (open, peer) => {
      const message = { ...open, type: wire.stream };
      peer.send({ ...message, status: wire.more, body: Buffer.from('half') });
      peer.send({ ...message, status: wire.error, body: errorBody(38, 38, 'Input/output error') });
    },
  });
  const got: string[] = [];
  const work = async () => {
    for await (const chunk of scene.volume.download()) got.push(chunk.toString());
  };
  await expect(work()).rejects.toThrow('Input/output error');
  expect(got).toEqual(['half']);
});

test('a download whose peer falls silent is given up', async () => {
  await using scene = await volumeAt({}, { callTimeoutMs: 50 });
  await expect(read(scene.volume.download())).rejects.toThrow(CallTimeoutError);
});

test('leaving a download early stops the server, whose last words are not waited for', async () => {
  await using scene = await volumeAt({
    received: (message, peer) => peer.send({ ...message, body: Buffer.alloc(0) }),
    opened: (open, peer) =>
      peer.send({ ...open, type: wire.stream, status: wire.more, body: Buffer.from('x') }),
  });
  for await (const chunk of scene.volume.download()) {
    expect(chunk.toString()).toBe('x');
    break;
  }
  await scene.volume.resize(1);
  expect(streamed(scene.peer.connections[0]).map(({ status }) => status)).toEqual([wire.error]);
});

test('a slow reader slows the server, but holds up no other call', async () => {
  let download: Message | undefined;
  await using scene = await volumeAt({
    opened: (open, peer) => {
      const data = Array.from({ length: 64 }, () => Buffer.alloc(mib, 'x'));
      if (open.procedure === wire.download) {
        download = open;
        for (const body of data) peer.send({ ...open, type: wire.stream, status: wire.more, body });
      } else if (download) sendAll(download, peer, ...data);
    },
    received: finish,
  });
  const socket = scene.peer.connections[0]?.socket;
  const reader = scene.volume.download();
  await reader.next();
  expect(await settled(() => socket?.writableLength)).toBeGreaterThan(48 * mib); // waits on the server's side
  await scene.volume.resize(1); // answered behind all that data, and with more data behind it
  expect(await settled(() => socket?.writableLength)).toBeGreaterThan(48 * mib);
  expect((await read(reader)).length).toBe(127 * mib);
});
