import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer as createListener, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { proxiesOf } from '../../../src/downloads/proxies.ts';
import { content, serves } from '../../support/faulty-server.ts';
import { fetchScene } from './fetch-scene.ts';

afterEach(() => vi.unstubAllEnvs());

/** A proxy for plain HTTP that leads every name to `port` of this machine, and keeps what it was asked for. */
async function proxy(port: number) {
  const asked: { address: string; authorization: string | undefined }[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    asked.push({ address: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    const upstream = connect(port, '127.0.0.1');
    upstream.write(
      `GET ${new URL(request.url ?? '').pathname} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    );
    upstream.pipe(response.socket as NodeJS.WritableStream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Somebody who takes connections, and neither reads nor answers. */
async function listener() {
  const taken: Socket[] = [];
  const server = createListener((socket) => taken.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of taken) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const file = content(1000);
const unset = () => {
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'])
    vi.stubEnv(name, undefined);
};

test('a proxy is asked with the whole address, and its own name and password', async () => {
  await using scene = await fetchScene();
  await using between = await proxy(scene.server.port);
  scene.server.on('/one', serves(file));
  unset();
  vi.stubEnv('HTTP_PROXY', `http://me:secret@${between.address}`);
  const fetched = await scene.fetch({ name: 'one', urls: ['http://files.test/one'] });
  expect(fetched.sha256).toBe(file.sha256);
  expect(between.asked).toEqual([
    {
      address: 'http://files.test/one',
      authorization: `Basic ${Buffer.from('me:secret').toString('base64')}`,
    },
  ]);
});

test.each(['http://files.test/one', 'https://files.test/one'])(
  'a proxy that takes the connection and says nothing is given up as a server is: %s',
  async (url) => {
    await using scene = await fetchScene();
    await using silent = await listener();
    unset();
    vi.stubEnv('HTTP_PROXY', silent.address);
    const patience = { attempts: 1, retryDelayMs: 1, stallMs: 300 };
    await expect(scene.fetch({ name: 'one', urls: [url] }, { patience })).rejects.toThrow(
      'accepts connections and does not answer',
    );
  },
);

test.each([
  ['http://127.0.0.1:9', 'https://files.test/one refuses connections (at 127.0.0.1 port 9)'],
  [
    'http://no.invalid:9',
    'https://files.test/one is behind no.invalid, a proxy or whom it redirects to, which is not found',
  ],
])('of the proxy %s, which nobody is, it is told that it is missing', async (address, words) => {
  await using scene = await fetchScene();
  unset();
  vi.stubEnv('HTTPS_PROXY', address);
  const patience = { attempts: 1, retryDelayMs: 1, stallMs: 10_000 };
  await expect(scene.fetch({ name: 'one', urls: ['https://files.test/one'] }, { patience })).rejects.toThrow(
    words,
  );
});

test('what NO_PROXY names is asked directly', async () => {
  await using scene = await fetchScene();
  await using between = await proxy(scene.server.port);
  unset();
  vi.stubEnv('HTTP_PROXY', `http://${between.address}`);
  vi.stubEnv('NO_PROXY', 'files.test,127.0.0.1');
  await scene.fetch({ name: 'one', urls: [scene.server.on('/one', serves(file))] });
  expect(between.asked).toEqual([]);
});

test('a proxy without a scheme is one for HTTP, and small letters count first', () => {
  expect(proxiesOf({ http_proxy: 'small:3128', HTTP_PROXY: 'large:3128' })).toEqual({
    httpProxy: 'http://small:3128',
  });
  expect(proxiesOf({ https_proxy: '', HTTPS_PROXY: 'https://p:1' })).toEqual({ httpsProxy: 'https://p:1' });
  expect(proxiesOf({})).toEqual({});
});

test('a proxy that cannot be one is told of by its variable, without its value', () => {
  const failure = () => proxiesOf({ HTTPS_PROXY: 'socks5://me:secret@p' });
  expect(failure).toThrow('HTTPS_PROXY does not name a proxy that can be used');
  expect(failure).not.toThrow('secret');
});
