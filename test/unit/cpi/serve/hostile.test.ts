/** Clients that are not the director's, or not well. */
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { cpiCertificates } from '../../../support/cpi-certificates.ts';
import { answerIn, connectTo, send } from './served-client.ts';
import { address, echo, serveCpi } from './served-cpi.ts';

describe('who is let in', () => {
  test('none without a certificate, none with another CA’s, none with the server’s own', async () => {
    await using served = await serveCpi('touch "$0.called"');
    await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-stranger-'));
    const stranger = await cpiCertificates(join(folder.path, 'creds.yml'), address);
    const { boshvirt_cpi_server_tls: own } = served.certificates;
    for (const shows of [undefined, stranger.boshvirt_cpi_client_tls, own])
      await expect(send(served, { shows })).rejects.toThrow();
    const lines = await served.auditLines();
    expect(lines.filter(({ method }) => method !== undefined)).toEqual([]);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'turned away', from: address }));
    expect((await send(served, { method: 'GET', path: '/status' })).status).toBe(200);
  });

  test('none by an old TLS, and none without any', async () => {
    await using served = await serveCpi(echo);
    const { port } = served.serving;
    const { boshvirt_cpi_ca: ca, boshvirt_cpi_client_tls: client } = served.certificates;
    const how = { ca: ca.certificate, cert: client.certificate, key: client.private_key };
    const spoken = async (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      await new Promise((resolve) => {
        const ciphers = 'DEFAULT@SECLEVEL=0'; // or this machine's OpenSSL would not even begin with the old one
        const range = { minVersion: version, maxVersion: version, ciphers };
        const socket = connectTls({ host: address, port, ...how, ...range });
        socket.once('secureConnect', () => resolve(socket.getProtocol()));
        socket.on('error', () => resolve('refused'));
        socket.once('secureConnect', () => socket.destroy());
      });
    expect(await spoken('TLSv1.1')).toBe('refused');
    expect(await spoken('TLSv1.2')).toBe('TLSv1.2');
    expect(await spoken('TLSv1.3')).toBe('TLSv1.3');
    const plain = connect(port, address);
    plain.end('POST /cpi HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}');
    expect(await text(plain).catch(() => '')).not.toContain('HTTP/1.1 200');
  });

  test('a flood of strangers is a line in the log, not a flood of lines', async () => {
    await using served = await serveCpi(echo);
    for (let at = 0; at < 20; at++) await send(served, { shows: undefined }).catch(() => {});
    const lines = await served.auditLines();
    expect(lines.filter(({ event }) => event === 'turned away')).toHaveLength(1);
  });
});

describe('strangers that connect and say nothing', () => {
  test('do not keep the director out', async () => {
    await using served = await serveCpi(echo, { limits: { connections: 8, strangers: 4 } });
    const strangers = Array.from({ length: 8 }, () => connect(served.serving.port, address));
    const left = strangers.map((socket) => once(socket.on('error', () => {}).resume(), 'close'));
    await Promise.all(left.slice(0, 4));
    expect((await send(served, { method: 'GET', path: '/status' })).status).toBe(200);
    expect(await served.auditLines()).toContainEqual({
      ...{ time: expect.any(String), event: 'turned away', from: address },
      why: 'more than 4 showed no certificate',
    });
    for (const socket of strangers) socket.destroy();
  });

  test('of those that ask, the answer to a certificate is noted', async () => {
    await using served = await serveCpi(echo);
    await send(served, { shows: undefined }).catch(() => {});
    expect(await served.auditLines()).toContainEqual(
      expect.objectContaining({ event: 'turned away', why: expect.stringContaining('did not return') }),
    );
  });
});

describe('what is refused', () => {
  const digest = 'a'.repeat(64);
  test.each([
    ['another path', { path: '/' }, 404],
    ['a path above', { path: '/../cpi' }, 404],
    ['a path with a query', { path: '/cpi?x' }, 404],
    ['another method', { method: 'GET' }, 405],
    ['a method of images', { method: 'GET', path: `/images/${digest}` }, 405],
    ['posting to the status', { path: '/status' }, 405],
    ['an image without a digest', { method: 'PUT', path: '/images/passwd' }, 404],
    ['an image with a path', { method: 'PUT', path: `/images/..%2f${digest}` }, 404],
    ['a request that is too long', { body: 'x'.repeat(2000) }, 413],
    ['a header that is none of ours', { headers: { 'boshvirt-agent': 'e30x' } }, 400],
    ['agents of another shape', { headers: { 'boshvirt-agent': btoa('{"ntp":"a"}') } }, 400],
    ['headers that are too long', { headers: { x: 'x'.repeat(3000) } }, 431],
  ])('%s', async (_, sent, status) => {
    await using served = await serveCpi(echo, { limits: { requestBytes: 1000, headerBytes: 2000 } });
    const answer = await send(served, sent);
    expect(answer.status).toBe(status);
    if (status !== 431)
      expect(answerIn(answer.body)).toMatchObject({
        result: null,
        error: { type: expect.stringMatching(/^Bosh::Clouds::/) },
        log: '',
      });
    expect((await served.auditLines()).filter(({ method }) => method !== undefined)).toEqual([]);
  });

  test('a request without end is cut off at the limit', async () => {
    await using served = await serveCpi(echo, { limits: { requestBytes: 1000 } });
    const socket = connectTo(served);
    socket.write('POST /cpi HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const piece = `400\r\n${'x'.repeat(1024)}\r\n`;
    socket.write(piece + piece);
    expect(await text(socket)).toContain('HTTP/1.1 413');
  });

  test('a client that says nothing is left', async () => {
    await using served = await serveCpi(echo, { limits: { idleMs: 50 } });
    const socket = connectTo(served);
    socket.write('POST /cpi HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{');
    expect(await text(socket).catch(() => '')).toBe('');
  });

  test('text that is no request is the CPI’s to judge', async () => {
    await using served = await serveCpi('printf \'{"result":"judged","error":null,"log":""}\\n\'');
    for (const body of ['', 'no JSON', '[]', 'null', '{"method":"create_stemcell","arguments":[{}]}'])
      expect(answerIn((await send(served, { body })).body).result).toBe('judged');
  });
});
