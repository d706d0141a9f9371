/** Stemcell images out of the director's VM. */
import { createHash } from 'node:crypto';
import { readdir, statfs, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../../../src/platform/retry.ts';
import { answerIn, connectTo, send } from './served-client.ts';
import { echo, type Served, serveCpi } from './served-cpi.ts';

const content = Buffer.from('an image, by its looks');
const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const digest = digestOf(content);
const call = (path: unknown = '/var/vcap/data/tmp/image') =>
  JSON.stringify({ method: 'create_stemcell', arguments: [path, { name: 'n' }] });

const put = async (served: Served, body: Uint8Array = content, to = digestOf(body)) =>
  await send(served, { method: 'PUT', path: `/images/${to}`, body });
const create = async (served: Served, image = digest) =>
  await send(served, { body: call(), headers: { 'boshvirt-image': image } });
const kept = async ({ folder }: Served) => await readdir(join(folder, 'work', 'images'));

/** Gives what is in the image, by the path that the request names. */
const reads = `path=$(printf %s "$request" | sed 's/.*\\["\\([^"]*\\)".*/\\1/')
  printf '{"result":"%s","error":null,"log":""}\\n' "$(cat "$path")"`;

test('an image is asked for by its path, sent by its digest, used and forgotten', async () => {
  await using served = await serveCpi(reads);
  for (const headers of [{}, { 'boshvirt-image': digest }, { 'boshvirt-image': '../../audit.log' }]) {
    const asked = await send(served, { body: call('/tmp/with "quotes"'), headers });
    expect(asked).toEqual({ status: 428, body: '/tmp/with "quotes"' });
  }
  expect(await put(served)).toMatchObject({ status: 201 });
  expect(await put(served)).toMatchObject({ status: 412 });
  expect(await kept(served)).toEqual([digest]);
  expect(answerIn((await create(served)).body).result).toBe(String(content));
  expect(await kept(served)).toEqual([]);
  expect((await create(served)).status).toBe(428);
  expect(await served.auditLines()).toContainEqual(
    expect.objectContaining({ method: 'create_stemcell', image: digest.slice(0, 12), outcome: 'ok' }),
  );
});

test('an image stays for another try if the call failed', async () => {
  const fails = 'printf \'{"result":null,"error":{"type":"X","message":"y"},"log":""}\\n\'';
  await using served = await serveCpi(fails);
  await put(served);
  expect(answerIn((await create(served)).body).error.type).toBe('X');
  expect(await kept(served)).toEqual([digest]);
});

test('two calls with one image both have it, and the last one takes it away', async () => {
  await using served = await serveCpi(`dir=$(dirname "$1"); echo >> "$dir/begun"
    case $(wc -l < "$dir/begun") in 1) while [ ! -e "$dir/gate" ]; do sleep 0.02; done;; esac; ${reads}`);
  await put(served);
  const first = create(served);
  await waitFor(
    async () => ((await readdir(join(served.folder, 'work'))).includes('begun') ? true : undefined),
    {
      timeoutMs: 10_000,
      intervalMs: 10,
    },
  );
  expect(answerIn((await create(served)).body).result).toBe(String(content));
  expect(await kept(served)).toEqual([digest]);
  await writeFile(join(served.folder, 'work', 'gate'), '');
  expect(answerIn((await first).body).result).toBe(String(content));
  expect(await kept(served)).toEqual([]);
});

/** A client that sends its image in pieces, when the test says so. */
async function slowPut(served: Served, bytes: number, to = digest) {
  const socket = connectTo(served);
  let heard = '';
  socket.on('data', (piece: Buffer) => {
    heard += piece.toString();
  });
  socket.write(
    `PUT /images/${to} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${bytes}\r\n\r\n`,
  );
  const hears = async (text: string) =>
    expect(
      await waitFor(async () => (heard.includes(text) ? true : undefined), {
        timeoutMs: 10_000,
        intervalMs: 5,
      }),
    ).toBe(true);
  return { socket, hears, heard: () => heard };
}

describe('two at once', () => {
  test('of the same are one: the second is told that it is here', async () => {
    await using served = await serveCpi(echo);
    const first = await slowPut(served, content.length);
    await first.hears('100 Continue');
    const second = await slowPut(served, content.length);
    first.socket.write(content.subarray(0, 5));
    await waitFor(async () => ((await kept(served)).length === 1 ? true : undefined), { timeoutMs: 10_000 });
    expect(second.heard()).toBe('');
    first.socket.write(content.subarray(5));
    await first.hears('201 Created');
    await second.hears('412 Precondition Failed');
    expect(second.heard()).not.toContain('100 Continue');
    expect(await kept(served)).toEqual([digest]);
  });

  test('the second takes over from a first that breaks', async () => {
    await using served = await serveCpi(echo);
    const first = await slowPut(served, content.length);
    await first.hears('100 Continue');
    first.socket.write(content.subarray(0, 5));
    const second = await slowPut(served, content.length);
    first.socket.destroy();
    await second.hears('100 Continue');
    second.socket.write(content);
    await second.hears('201 Created');
    expect(await kept(served)).toEqual([digest]);
  });
});

describe('what is not kept', () => {
  test('an image whose sending broke: it leaves nothing and can be sent again', async () => {
    await using served = await serveCpi(echo);
    const { socket, hears } = await slowPut(served, 1000);
    await hears('100 Continue');
    socket.write('half');
    await waitFor(async () => ((await kept(served)).length === 1 ? true : undefined), { timeoutMs: 10_000 });
    socket.destroy();
    const isGone = async () => ((await kept(served)).length === 0 ? true : undefined);
    expect(await waitFor(isGone, { timeoutMs: 10_000, intervalMs: 5 })).toBe(true);
    expect((await put(served)).status).toBe(201);
  });

  test('an image that is not what its digest says', async () => {
    await using served = await serveCpi(echo);
    const { status, body } = await put(served, Buffer.from('damaged'), digest);
    expect(status).toBe(422);
    expect(answerIn(body).error.message).toContain(digest);
    expect(await kept(served)).toEqual([]);
  });

  test('an image that is too large, or for which there is no space: it is not even sent', async () => {
    const large = await serveCpi(echo, { limits: { imageBytes: 10 } });
    await using served = large;
    const one = await slowPut(served, 11);
    await one.hears('413 Payload Too Large');
    expect(one.heard()).not.toContain('100 Continue');
    await using full = await serveCpi(echo, { limits: { freeBytes: 2 ** 60 } });
    const other = await slowPut(full, 1);
    await other.hears('507 Insufficient Storage');
    await other.hears('Bosh::Clouds::NoDiskSpace');
    expect(other.heard()).not.toContain('100 Continue');
    expect(await kept(full)).toEqual([]);
  });

  test('what is on its way counts as taken', async () => {
    await using served = await serveCpi(echo, { limits: { imageBytes: 2 ** 60 } });
    const { bavail, bsize } = await statfs(served.folder);
    const most = Math.floor((bavail * bsize) / 3) * 2; // two thirds: there is space for one and not for two
    const first = await slowPut(served, most);
    await first.hears('100 Continue');
    const second = await slowPut(served, most, 'b'.repeat(64));
    await second.hears('507 Insufficient Storage');
    first.socket.destroy();
    await waitFor(async () => ((await kept(served)).length === 0 ? true : undefined), { timeoutMs: 10_000 });
    const third = await slowPut(served, most, 'c'.repeat(64));
    await third.hears('100 Continue');
    third.socket.destroy();
  });

  test('an image that nobody came for in an hour', async () => {
    await using served = await serveCpi(echo);
    await put(served);
    await put(served, Buffer.from('another'));
    const past = Date.now() / 1000 - 3601;
    await utimes(join(served.folder, 'work', 'images', digest), past, past);
    await served.restart();
    expect(await kept(served)).toEqual([digestOf(Buffer.from('another'))]);
  });

  test('an image without its length', async () => {
    await using served = await serveCpi(echo);
    const socket = connectTo(served);
    socket.write(`PUT /images/${digest} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
    expect(await text(socket)).toContain('HTTP/1.1 411');
  });
});
