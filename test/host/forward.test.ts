/** The way to a guest's ports, with a real TCP peer: in a network namespace that the test makes, and on this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { dialThroughNetns, guestRoad } from '../../src/host/forward.ts';
import { insideNetns } from '../../src/host/private-host/index.ts';
import { run } from '../../src/platform/process.ts';
import { pause, waitFor } from '../../src/platform/retry.ts';

const mib = 1024 * 1024;
const timeoutMs = 60_000;
const local = '127.0.0.1';
const netns = `bv-test-${randomBytes(4).toString('hex')}`;
const netnsPath = `/run/netns/${netns}`;
/** Packets to this port are dropped in the namespace: nobody ever answers. */
const silentPort = 9;

beforeAll(async () => {
  await run(['ip', 'netns', 'add', netns]);
  await run(['ip', '-n', netns, 'link', 'set', 'lo', 'up']);
  const drop = ['iptables', '-w', '-A', 'INPUT', '-p', 'tcp', '--dport', String(silentPort), '-j', 'DROP'];
  await run(insideNetns(netnsPath, drop) as [string, ...string[]]);
});
afterAll(async () => {
  await run(['ip', 'netns', 'delete', netns]);
});

/** Relays that are at work for this test, with whatever they were given. */
async function relays(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const parent = /^PPid:\t(\d+)$/m.exec(
        await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''),
      )?.[1];
      return words.some((word) => word.endsWith('/relay.mjs')) && parent === String(process.pid);
    }),
  );
  return pids.filter((_, at) => found[at]).map(Number);
}
const until = async (what: string, probe: () => Promise<boolean>) => {
  const seen = await waitFor(async () => (await probe()) || undefined, { timeoutMs, intervalMs: 5 });
  if (!seen) throw new Error(`waited in vain: ${what}`);
};
const noRelays = () => until('the end of all relays', async () => (await relays()).length === 0);

describe.each([
  ['through a network namespace', netnsPath],
  ['directly', undefined],
])('%s', (_, path) => {
  let peer: ChildProcess;
  let port: number;

  beforeAll(async () => {
    const serve = [process.execPath, join(import.meta.dirname, '../support/tcp-peer.ts')];
    const [file = '', ...args] = path === undefined ? serve : insideNetns(path, serve);
    peer = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = await once(peer.stdout as NonNullable<typeof peer.stdout>, 'data');
    port = Number(line);
  });
  afterEach(noRelays);
  afterAll(async () => {
    const ended = once(peer, 'close');
    peer.stdin?.end();
    await ended;
  });

  async function ask(request: string): Promise<Duplex> {
    const stream = await dialThroughNetns(path, local, port, { timeoutMs });
    stream.write(`${request}\n`);
    return stream;
  }
  const totals = async () => JSON.parse(await text(await ask('totals'))) as Record<string, number>;

  test('a question gets its answer, and the end of the stream', async () => {
    const stream = await ask('echo');
    stream.end('there and back');
    expect(await text(stream)).toBe('there and back');
  });

  test('a port where nobody listens', async () => {
    await expect(dialThroughNetns(path, local, 1, { timeoutMs })).rejects.toMatchObject({
      name: 'ToolError',
      code: 'TEMPORARY',
      message: expect.stringMatching(/^127\.0\.0\.1 port 1 cannot be reached: .*ECONNREFUSED/),
    });
  });

  test('a signal that fired before', async () => {
    const signal = AbortSignal.abort(new Error('Ctrl-C'));
    await expect(dialThroughNetns(path, local, port, { timeoutMs, signal })).rejects.toThrow('Ctrl-C');
  });

  test('a signal that fires later is none of an open stream’s business', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const stream = await dialThroughNetns(path, local, port, { timeoutMs, signal });
    controller.abort();
    stream.end('echo\nstill here');
    expect(await text(stream)).toBe('still here');
  });

  test('ours ends first: what the peer says then still comes', async () => {
    const stream = await ask('count');
    stream.end(Buffer.alloc(3 * mib));
    expect(await text(stream)).toBe(String(3 * mib));
  });

  test('the peer ends first: the stream ends, without an error', async () => {
    const stream = await ask('bye');
    expect(await text(stream)).toBe('bye');
    if (!stream.closed) await once(stream, 'close');
    expect(stream.errored).toBeNull();
  });

  test('the peer breaks off: the stream fails', async () => {
    const stream = await ask('reset');
    await expect(text(stream)).rejects.toThrow(/ECONNRESET/);
  });

  test('a stream that is destroyed leaves nothing behind, also with unread bytes', async () => {
    const stream = await ask(`send ${mib}`);
    await once(stream, 'readable');
    stream.destroy();
    await once(stream, 'close');
    await noRelays();
  });

  test('much goes there and comes back whole', async () => {
    const sent = randomBytes(24 * mib);
    const stream = await ask('echo');
    stream.end(sent);
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(digest(await buffer(stream))).toBe(digest(sent));
  });

  test('what nobody reads is held back at the peer, while bytes go the other way', async () => {
    const stream = await ask(`send ${64 * mib}`);
    stream.write(Buffer.alloc(8 * mib));
    await until('all bytes at the peer', async () => (await totals()).swallowed === 8 * mib);
    expect((await totals()).sent).toBeLessThan(32 * mib);
    let count = 0;
    for await (const piece of stream) count += (piece as Buffer).length;
    expect(count).toBe(64 * mib);
  });

  test('what the peer does not read is held back here', async () => {
    const stream = await ask('deaf');
    stream.on('error', () => {}); // pieces are left over when it is destroyed
    let gone = 0;
    for (let piece = 0; piece < 64; piece += 1) {
      stream.write(Buffer.alloc(mib), (error) => {
        if (!error) gone += 1;
      });
    }
    await until('no more goes', async () => {
      const before = gone;
      await pause(200);
      return gone === before;
    });
    expect(gone).toBeLessThan(32);
    stream.destroy();
  });
});

describe('in a namespace', () => {
  afterEach(noRelays);

  test('a peer that never answers: the error says how long it was given', async () => {
    await expect(dialThroughNetns(netnsPath, local, silentPort, { timeoutMs: 500 })).rejects.toMatchObject({
      name: 'ToolError',
      code: 'TEMPORARY',
      message: '127.0.0.1 port 9 cannot be reached: no answer within 0.5 s',
    });
  });

  test('a signal ends the wait with its reason', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const dialing = dialThroughNetns(netnsPath, local, silentPort, { timeoutMs, signal });
    const settled = expect(dialing).rejects.toThrow('Ctrl-C');
    await until('the relay', async () => (await relays()).length === 1);
    controller.abort(new Error('Ctrl-C'));
    await settled;
  });

  test('a namespace that is not there', async () => {
    await expect(dialThroughNetns('/run/netns/bv-none', local, 1, { timeoutMs })).rejects.toMatchObject({
      code: 'TEMPORARY',
      message: expect.stringMatching(/cannot open .*bv-none/),
    });
  });

  test('a relay that is killed: the stream fails and says so', async () => {
    const { dial, commandPrefix } = guestRoad(netnsPath);
    const serve = [...commandPrefix, process.execPath, join(import.meta.dirname, '../support/tcp-peer.ts')];
    const peer = spawn(serve[0] as string, serve.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = await once(peer.stdout, 'data');
    const stream = await dial(local, Number(line), { timeoutMs });
    const failed = once(stream, 'error');
    const [relay = 0] = await relays();
    expect(await readlink(`/proc/${relay}/ns/net`)).toBe(await readlink(`/proc/${peer.pid}/ns/net`));
    process.kill(relay, 'SIGKILL');
    expect((await failed)[0]).toMatchObject({ message: expect.stringContaining('SIGKILL') });
    peer.stdin.end();
    await once(peer, 'close');
  });

  test('whose user dies ends by itself', async () => {
    const user = `const { dialThroughNetns } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/host/forward.ts'))});
      await dialThroughNetns('${netnsPath}', '${local}', ${silentPort}, { timeoutMs: 60000 });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', user], { stdio: 'inherit' });
    const pids = async () => (await run(['ip', 'netns', 'pids', netns])).stdout.trim();
    await until('its relay', async () => (await pids()) !== '');
    child.kill('SIGKILL');
    await until('the end of its relay', async () => (await pids()) === '');
  });
});
