import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createServer as createProxy } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { generateCertificate } from '../../../src/engine/template/certificates.ts';
import { content } from '../../support/faulty-server.ts';

const file = content(1000);
const keyLength = { key_length: 2048 };

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A server called files.test, whose certificate is of a CA that nobody knows, and a proxy that alone finds it. */
async function scene() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'bv-https-'));
  const ca = await generateCertificate(
    'ca',
    { ...keyLength, is_ca: true, common_name: 'ca' },
    async () => undefined,
  );
  const options = { ...keyLength, ca: 'ca', common_name: 'files.test', alternative_names: ['files.test'] };
  const own = await generateCertificate('server', options, async () => ({ ...ca }));
  const caPath = join(folder.path, 'ca.pem');
  await writeFile(caPath, ca.certificate);
  const server = createServer({ cert: own.certificate, key: own.private_key }, (_, response) => {
    response.end(file.bytes);
  });
  const port = await portOf(server);
  const connects: string[] = [];
  const proxy = createProxy().on('connect', (request, socket) => {
    connects.push(request.url ?? '');
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    socket.pipe(connect(port, '127.0.0.1')).pipe(socket);
  });
  const proxyPort = await portOf(proxy);
  return {
    connects,
    caPath,
    /** Fetches https://files.test/one in a process of its own, whose certificates are read as it starts. */
    async fetch(env: Readonly<Record<string, string>>): Promise<{ sha256: string; stderr: string }> {
      const argv = [join(import.meta.dirname, 'fetch-program.ts'), folder.path, 'https://files.test/one'];
      const clean = { PATH: process.env.PATH, HTTPS_PROXY: `http://127.0.0.1:${proxyPort}` };
      const child = spawn(process.execPath, argv, { env: { ...clean, ...env } });
      const [sha256, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { sha256, stderr };
    },
    async [Symbol.asyncDispose]() {
      for (const each of [proxy, server]) each.closeAllConnections();
      for (const each of [proxy, server]) each.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('HTTPS goes through a tunnel of the proxy, and trusts a CA that the user adds', async () => {
  await using at = await scene();
  expect(await at.fetch({ NODE_EXTRA_CA_CERTS: at.caPath })).toMatchObject({ sha256: file.sha256 });
  expect(at.connects).toEqual(['files.test:443']);
});

test('a certificate that nobody vouches for is told of at once, with what to set', async () => {
  await using at = await scene();
  const { sha256, stderr } = await at.fetch({});
  expect(sha256).toBe('');
  expect(stderr).toContain('https://files.test/one its certificate is not trusted: ');
  expect(stderr).toContain('NODE_EXTRA_CA_CERTS');
  expect(at.connects).toHaveLength(1);
});
