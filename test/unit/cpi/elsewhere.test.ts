/** Requests handed over to another host's CPI server: the real one, on this machine's loopback, in front of a scripted CPI. */
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ServedHost } from '../../../src/cpi/config.ts';
import { askElsewhere } from '../../../src/cpi/elsewhere.ts';
import { waitFor } from '../../../src/platform/retry.ts';
import { echo, type Served, serveCpi } from './serve/served-cpi.ts';

const agent = { mbus: 'nats://192.168.150.10:4222', blobstore: null, ntp: ['time.example'] };

const hostOf = ({ url, certificates }: Served): ServedHost => {
  const { ca, certificate, private_key } = certificates.boshvirt_cpi_client_tls;
  return { url, ca, certificate, private_key };
};

/** Asks and gives the answer with what was logged. */
async function ask(host: ServedHost, request: object) {
  let log = '';
  const writeLog = (text: string) => {
    log += text;
  };
  const answer = await askElsewhere(JSON.stringify(request), { host, agent, writeLog });
  return { ...answer, log };
}

const hasVm = { method: 'has_vm', arguments: ['vm-1'], context: { director_uuid: 'd' } };

test('a request goes over as it is, its log comes back line by line, its answer last', async () => {
  await using served = await serveCpi(echo);
  expect(await ask(hostOf(served), hasVm)).toMatchObject({
    result: hasVm,
    error: null,
    log: 'a line of the log\n',
  });
});

test('agents there are told what the director’s job says', async () => {
  await using served = await serveCpi(
    `printf '{"result":%s,"error":null,"log":""}\\n' "$(tr -d '\\n' <"$1")"`,
  );
  expect((await ask(hostOf(served), hasVm)).result).toEqual({ backend: 'test', agent });
});

test('errors of the CPI there are its answer', async () => {
  const error = { type: 'Bosh::Clouds::VMNotFound', message: 'no vm', ok_to_retry: false };
  await using served = await serveCpi(`echo '${JSON.stringify({ result: null, error, log: '' })}'`);
  expect(await ask(hostOf(served), hasVm)).toMatchObject({ result: null, error });
});

/** Gives what is in the image, by the path that the request names. */
const reads = `path=$(printf %s "$request" | sed 's/.*\\["\\([^"]*\\)".*/\\1/')
  printf '{"result":"%s","error":null,"log":""}\\n' "$(wc -c <"$path")"`;

test('a stemcell’s image goes there, once', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-elsewhere-'));
  const path = join(folder.path, 'image');
  await writeFile(path, Buffer.alloc(3_000_000, 'x'));
  await using served = await serveCpi(reads);
  const create = { method: 'create_stemcell', arguments: [path, { name: 'n' }], context: {} };
  expect((await ask(hostOf(served), create)).result).toBe('3000000');
  const both = await Promise.all([ask(hostOf(served), create), ask(hostOf(served), create)]);
  expect(both.map(({ result }) => result)).toEqual(['3000000', '3000000']);
  const gone = { ...create, arguments: [join(folder.path, 'none'), {}] };
  await expect(ask(hostOf(served), gone)).rejects.toThrow('ENOENT');
});

test('who is not trusted, or not there, is named with what to do', async () => {
  await using served = await serveCpi(echo);
  const host = hostOf(served);
  const untrusted = ask({ ...host, ca: host.certificate }, hasVm);
  await expect(untrusted).rejects.toMatchObject({
    type: 'CloudError',
    message: expect.stringContaining(`The CPI server ${host.url} of another host`),
    hints: [expect.stringContaining('boshvirt host list'), expect.anything()],
  });
  await expect(ask({ ...host, url: 'https://127.0.0.1:1' }, hasVm)).rejects.toThrow('ECONNREFUSED');
});

test('a host that loses its power in the middle of a call is asked for by the kernel, so that nobody waits for ever', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'boshvirt-elsewhere-'));
  const end = join(folder.path, 'end');
  await using served = await serveCpi(`until [ -e '${end}' ]; do sleep 0.1; done; ${echo}`);
  const asked = ask(hostOf(served), hasVm);
  const port = Number(new URL(served.url).port).toString(16).toUpperCase().padStart(4, '0');
  /** Of our socket in /proc/net/tcp, where 02 is the timer of an idle connection. */
  const timer = async () =>
    new RegExp(`: \\w+:\\w+ \\w+:${port} 01 \\w+:\\w+ (02):`).exec(
      await readFile('/proc/net/tcp', 'utf8'),
    )?.[1];
  expect(await waitFor(timer, { timeoutMs: 10_000 })).toBe('02');
  await writeFile(end, '');
  expect((await asked).error).toBeNull();
});

test('something else that listens there is no answer', async () => {
  await using served = await serveCpi(echo);
  const other = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await expect(ask({ ...hostOf(served), url: `https://127.0.0.1:${port}` }, hasVm)).rejects.toMatchObject({
    type: 'CloudError',
  });
  other.close();
});
