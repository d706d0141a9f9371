import { getEventListeners, once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  CallTimeoutError,
  ConnectionLostError,
  connectLibvirt,
  type Libvirt,
  LibvirtError,
  ProtocolError,
} from '../../../../src/clients/libvirt/index.ts';
import { Rpc } from '../../../../src/clients/libvirt/rpc.ts';
import { UserError } from '../../../../src/platform/errors.ts';
import { run } from '../../../../src/platform/process.ts';
import {
  errorBody,
  friendly,
  type Script,
  type ScriptedPeer,
  startPeer,
  text,
  wire,
  word,
  write,
} from './scripted-peer.ts';

/** A connection to a peer that is friendly until the script says otherwise. */
async function connected(script: Script, options = {}) {
  const peer = await startPeer(friendly(script));
  const libvirt = await connectLibvirt(peer.uri, options);
  return {
    peer,
    libvirt,
    async [Symbol.asyncDispose]() {
      await libvirt.close();
      await peer[Symbol.asyncDispose]();
    },
  };
}

test('answers reach their callers in whatever order they come', async () => {
  const calls: { reply(): void }[] = [];
  await using scene = await connected((message, peer) => {
    const name = `answer ${calls.length}`;
    calls.push({ reply: () => peer.reply(message, text(name)) });
    if (calls.length === 3) for (const call of calls.toReversed()) call.reply();
  });
  const names = await Promise.all([1, 2, 3].map(() => scene.libvirt.hostname()));
  expect(names).toEqual(['answer 0', 'answer 1', 'answer 2']);
});

test('a message may come in pieces, and several in one', async () => {
  await using scene = await connected((message, peer) => {
    const answer = write({ ...message, type: wire.reply, body: text('piecemeal') });
    const event = write({ procedure: 999, type: wire.event });
    const bytes = Buffer.concat([event, answer, event.subarray(0, 10)]);
    const trickle = async () => {
      for (const byte of bytes) {
        peer.socket.write(Buffer.of(byte));
        await setImmediate();
      }
    };
    void trickle();
  });
  expect(await scene.libvirt.hostname()).toBe('piecemeal');
});

test('libvirt’s refusal of a call says code, domain and words, and ends nothing else', async () => {
  let calls = 0;
  await using scene = await connected((message, peer) => {
    calls += 1;
    if (calls === 1) peer.reply(message, errorBody(42, 10, 'Domain not found'), wire.error);
    else peer.reply(message, text('still here'));
  });
  const error = await scene.libvirt.hostname().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LibvirtError);
  expect(error).toMatchObject({ libvirtCode: 42, libvirtDomain: 10, int1: 7, procedure: 'hostname' });
  expect((error as Error).message).toBe('Domain not found (hostname)');
  expect((error as Error).stack).toContain('rpc.test.ts'); // who called, not the socket's handler
  expect(await scene.libvirt.hostname()).toBe('still here');
});

test.each<[string, Buffer, RegExp]>([
  ['a length that no message can have', word(5), /message of 5 bytes/],
  ['an absurd length', word(0x7fffffff), /message of 2147483647 bytes/],
  ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak libvirt/],
  ['an unknown program', write({ program: 7 }), /unknown program 7/],
])('%s ends the connection with a ProtocolError', async (_, bytes, message) => {
  await using scene = await connected((_call, peer) => peer.socket.write(bytes));
  const [error, other] = await Promise.all(
    [1, 2].map(() => scene.libvirt.hostname().catch((reason: unknown) => reason)),
  );
  expect(error).toBeInstanceOf(ProtocolError);
  expect((error as Error).message).toMatch(message);
  expect(other).toBe(error);
  await expect(scene.libvirt.hostname()).rejects.toBe(error);
});

test('a call that is larger than libvirt takes fails alone', async () => {
  await using scene = await connected((message, peer) => peer.reply(message, text('still here')));
  await expect(scene.libvirt.defineDomain('x'.repeat(33 * 1024 * 1024))).rejects.toThrow(UserError);
  expect(await scene.libvirt.hostname()).toBe('still here');
});

test('an answer that is too short is a ProtocolError of that call', async () => {
  await using scene = await connected((message, peer) => peer.reply(message, word(1000)));
  await expect(scene.libvirt.hostname()).rejects.toThrow(ProtocolError);
});

test('a capacity that a number cannot hold is refused, not rounded', async () => {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(2n ** 53n + 1n);
  await using scene = await connected((message, peer) => {
    if (message.procedure === 84) peer.reply(message, Buffer.concat([text('p'), Buffer.alloc(16)]));
    else peer.reply(message, Buffer.concat([word(2), size, size, size]));
  });
  const pool = await scene.libvirt.findPool('p');
  await expect(pool?.info()).rejects.toThrow(ProtocolError);
});

test('a daemon that goes away ends the calls under way and the later ones', async () => {
  await using scene = await connected((_message, peer) => peer.socket.destroy());
  const error = await scene.libvirt.hostname().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConnectionLostError);
  expect((error as Error).message).toMatch(/lost during hostname: the peer closed it/);
  await expect(scene.libvirt.hostname()).rejects.toBe(error);
});

test('a call that is not answered in time fails alone; its late answer is dropped', async () => {
  const late: (() => void)[] = [];
  await using scene = await connected(
    (message, peer) => {
      if (late.length === 0) late.push(() => peer.reply(message, text('too late')));
      else {
        late[0]?.();
        peer.reply(message, text('in time'));
      }
    },
    { callTimeoutMs: 50 },
  );
  await expect(scene.libvirt.hostname()).rejects.toThrow(CallTimeoutError);
  expect(await scene.libvirt.hostname()).toBe('in time');
});

test('closing ends what is under way; afterwards calls fail and closing again does nothing', async () => {
  await using scene = await connected(() => {});
  const hanging = scene.libvirt.hostname().catch((reason: unknown) => reason);
  await Promise.all([scene.libvirt.close(), scene.libvirt.close()]);
  expect(await hanging).toBeInstanceOf(ConnectionLostError);
  await expect(scene.libvirt.hostname()).rejects.toThrow('closed on this side');
  await scene.libvirt.close();
});

test('closing waits for the answers to calls and for the end of transfers before it says goodbye', async () => {
  await using scene = await connected((message, peer) => {
    if (message.procedure === 97) peer.reply(message, Buffer.concat([text('p'), text('v'), text('/v')]));
    else if (message.procedure === wire.hostname) setTimeout(() => peer.reply(message, text('late')), 50);
    else if (message.type === wire.call) {
      peer.reply(message);
      peer.send({ ...message, type: wire.stream, status: wire.more, body: Buffer.from('x') });
    }
  });
  const volume = await scene.libvirt.findVolumeByPath('/v');
  const reader = volume?.download();
  await reader?.next(); // and then it does not come back for more
  const answer = scene.libvirt.hostname();
  await scene.libvirt.close();
  expect(await answer).toBe('late');
  const heard = scene.peer.connections[0]?.heard.map(({ procedure, status }) => [procedure, status]);
  expect(heard?.slice(-2)).toEqual([
    [wire.download, wire.error],
    [wire.connectClose, wire.ok],
  ]);
  await expect(reader?.next()).rejects.toThrow('closed on this side');
});

test('what is no UUID is refused before anything is sent', async () => {
  await using scene = await connected(() => {});
  await expect(scene.libvirt.findDomainByUuid('vm-1')).rejects.toThrow(UserError);
  expect(scene.peer.connections[0]?.heard.at(-1)?.procedure).not.toBe(24);
});

test('pings are answered', async () => {
  await using scene = await connected((message, peer) => peer.reply(message, text('x')));
  const [connection] = scene.peer.connections;
  connection?.send({ program: wire.keepalive, procedure: wire.ping, type: wire.event });
  await expect
    .poll(() =>
      connection?.heard.some(
        ({ program, procedure }) => program === wire.keepalive && procedure === wire.pong,
      ),
    )
    .toBe(true);
});

async function rpcTo(peer: ScriptedPeer) {
  const socket = connect(peer.socketPath);
  await once(socket, 'connect');
  const keepalive = { intervalMs: 10, patience: 3 };
  const rpc = new Rpc(socket, { callTimeoutMs: 60_000, peer: 'the peer', keepalive });
  rpc.keepAlive();
  return Object.assign(rpc, { socket });
}

const openUpload = (rpc: Rpc) => {
  const volume = { pool: 'p', name: 'v', key: '/v' };
  return rpc.openStream('volumeUpload', { volume, offset: 0, length: 0, flags: 0 });
};

test('uploads that were given up leave no listeners behind', async () => {
  await using peer = await startPeer(
    friendly((message, to) => {
      if (message.type === wire.call) to.reply(message);
    }),
  );
  const rpc = await rpcTo(peer);
  const streams = await Promise.all(Array.from({ length: 20 }, () => openUpload(rpc)));
  peer.connections[0]?.socket.pause();
  async function* muchData() {
    for (;;) yield Buffer.alloc(1024 * 1024);
  }
  const giveUp = new AbortController();
  const { signal } = giveUp;
  const uploads = streams.map((stream) => stream.upload(muchData(), { sparse: false, signal }));
  await expect.poll(() => rpc.socket.writableNeedDrain).toBe(true);
  expect(rpc.socket.listenerCount('drain')).toBe(1);
  giveUp.abort(new Error('enough'));
  for (const upload of uploads) await expect(upload).rejects.toThrow('enough');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  peer.connections[0]?.socket.resume();
  await expect.poll(() => rpc.socket.listenerCount('drain')).toBe(0);
  await rpc.close();
});

test('a peer that falls silent is noticed while somebody waits', async () => {
  let alive = true;
  const answering = friendly();
  await using peer = await startPeer((message, to) => {
    if (alive) answering(message, to);
  });
  const rpc = await rpcTo(peer);
  await sleep(50); // nobody waits: nothing is asked
  alive = false;
  await expect(rpc.call('hostname', {})).rejects.toThrow(/silent for 0.03 s/);
});

test('a peer that is slow but answers pings is waited for', async () => {
  await using peer = await startPeer(
    friendly((message, to) => {
      setTimeout(() => to.reply(message, text('at last')), 200);
    }),
  );
  const rpc = await rpcTo(peer);
  expect(await rpc.call('hostname', {})).toEqual({ hostname: 'at last' });
  await rpc.close();
});

test('a daemon whose disk is slow, so that it reads no pings, is not taken for dead during an upload', async () => {
  const script: Script = (message, to) => {
    if (message.type === wire.call) to.reply(message);
    else if (message.type === wire.stream && message.status === wire.ok) to.send({ ...message, body: empty });
  };
  const empty = Buffer.alloc(0);
  await using peer = await startPeer(friendly(script));
  const rpc = await rpcTo(peer);
  const stream = await openUpload(rpc);
  peer.connections[0]?.socket.pause();
  setTimeout(() => peer.connections[0]?.socket.resume(), 200);
  async function* source() {
    for (let left = 16; left > 0; left -= 1) yield Buffer.alloc(1024 * 1024);
  }
  await stream.upload(source(), { sparse: false });
  await rpc.close();
});

test('a daemon that has its hands full is not taken for dead', async () => {
  const waiting: (() => void)[] = [];
  await using peer = await startPeer((message, to) => {
    if (message.program === wire.keepalive && waiting.length < 5)
      friendly()(message, to); // then it reads no further
    else if (message.program === wire.remote) waiting.push(() => to.reply(message, text('done')));
  });
  const rpc = await rpcTo(peer);
  const calls = Array.from({ length: 5 }, () => rpc.call('hostname', {}));
  setTimeout(() => waiting.map((reply) => reply()), 200);
  expect(await Promise.all(calls)).toHaveLength(5);
});

test('a program that has closed its connection ends', async () => {
  await using peer = await startPeer(friendly((message, to) => to.reply(message, text('x'))));
  const client = new URL('../../../../src/clients/libvirt/index.ts', import.meta.url);
  const program = `const { connectLibvirt } = await import('${client}');
    const libvirt = await connectLibvirt('${peer.uri}'); await libvirt.hostname(); await libvirt.close();`;
  await run([process.execPath, '--input-type=module', '-e', program], { timeoutMs: 10_000 });
});

test('who waits for events is told that the connection ended', async () => {
  let registrations = 0;
  await using scene = await connected((message, peer) => {
    registrations += 1;
    peer.reply(message, word(registrations));
  });
  const { libvirt, peer } = scene;
  using events = await libvirt.events('lifecycle');
  const next = events[Symbol.asyncIterator]().next();
  const domain = Buffer.concat([text('vm-1'), Buffer.alloc(16, 0xab), word(-1)]);
  peer.connections[0]?.send({
    procedure: 318,
    type: wire.event,
    body: Buffer.concat([word(1), domain, word(5, 1)]),
  });
  const name = { domainName: 'vm-1', domainUuid: 'ab'.repeat(16) };
  expect((await next).value).toEqual({ kind: 'lifecycle', ...name, happened: 'stopped', detail: 1 });
  using again = await libvirt.events('lifecycle'); // libvirtd refuses to register a kind twice
  expect(registrations).toBe(1);
  peer.connections[0]?.socket.destroy();
  for (const listener of [events, again, await eventsAfterTheEnd(libvirt)]) {
    await expect(listener[Symbol.asyncIterator]().next()).rejects.toThrow(ConnectionLostError);
  }
});

async function eventsAfterTheEnd(libvirt: Libvirt) {
  await expect(libvirt.hostname()).rejects.toThrow(ConnectionLostError);
  return await libvirt.events('lifecycle');
}

test('an iteration over events ends when they are disposed of', async () => {
  await using scene = await connected((message, peer) => peer.reply(message, word(1)));
  const events = await scene.libvirt.events('lifecycle');
  const readers = [1, 2].map(() => events[Symbol.asyncIterator]().next());
  events[Symbol.dispose]();
  for (const next of await Promise.all(readers)) expect(next.done).toBe(true);
});
