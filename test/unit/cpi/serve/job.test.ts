/** The job in a director's VM, as bosh renders it, with a real curl in front of the real server. */
import { mkdir, mkdtempDisposable, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, which } from '../../../../src/platform/process.ts';
import { cpiCertificates } from '../../../support/cpi-certificates.ts';
import { renderJob } from '../../../support/render-job.ts';
import { jobFor, jobProperties } from './served-client.ts';
import { address, echo, type Served, serveCpi } from './served-cpi.ts';

type Argv = readonly [string, ...string[]];

interface Job {
  readonly cpi: Argv;
  /** TMPDIR of the calls. */
  readonly temporary: string;
}

/** As the director starts it: with nothing in its environment but PATH and TMPDIR (contract 1.1). */
async function ask(job: Job, request: string | Uint8Array, env: Record<string, string> = {}) {
  const result = await run(job.cpi, {
    ...{ input: request, cleanEnv: true, cwd: '/' },
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', TMPDIR: job.temporary, ...env },
  });
  expect(result.stdout).toMatch(/^[^\n]+\n$/);
  expect(await readdir(job.temporary)).toEqual([]);
  return { ...result, answer: JSON.parse(result.stdout) };
}

const digests = `path=$(printf %s "$request" | sed 's/.*\\["\\([^"]*\\)".*/\\1/')
  printf '{"result":"%s","error":null,"log":""}\\n' "$(sha256sum < "$path" | cut -c 1-64)"`;
/** Echoes; of create_stemcell gives the image's digest, or fails if that is asked for. */
const script = `case $request in
  *fail-it*) printf '{"result":null,"error":{"type":"Bosh::Clouds::CpiError","message":"as asked"},"log":""}\\n' ;;
  *create_stemcell*) ${digests} ;; *) ${echo} ;; esac`;

let served: Served;
let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let job: Job;

beforeAll(async () => {
  served = await serveCpi(script);
  folder = await mkdtempDisposable(join(tmpdir(), "boshvirt job's "));
  const temporary = join(folder.path, 'tmp');
  await mkdir(temporary);
  job = { cpi: [await jobFor(served, join(folder.path, 'job'))], temporary };
});

afterAll(async () => {
  await served?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** A job with other properties, or at another place. */
async function otherJob(name: string, properties: object): Promise<Job> {
  return { ...job, cpi: [await renderJob(join(folder.path, name), properties)] };
}

describe('a call', () => {
  test('gives the host’s answer on stdout and its log on stderr', async () => {
    const request = '{"method":"info","arguments":[],"context":{"director_uuid":"ü \\" $(id)"}}';
    const { stdout, stderr } = await ask(job, request);
    expect(stdout).toBe(`{"result":${request},"error":null,"log":""}\n`);
    expect(stderr).toBe('a line of the log\n');
  });

  test('may be large, with long lines and anything in them', async () => {
    const text = JSON.stringify({ method: 'x', arguments: ['\\"\t\u0001%s\\n '.repeat(5_000)] });
    expect((await ask(job, text)).answer.result).toEqual(JSON.parse(text));
  });

  test('says what agents are to be told, by the job’s properties', async () => {
    await using other = await serveCpi('printf \'{"result":%s,"error":null,"log":""}\\n\' "$(cat "$1")"');
    const agent = { mbus: 'nats://10.0.0.6:4222', ntp: ['time.test'], blobstore: { provider: 'dav' } };
    const { answer } = await ask(await otherJob('agents', { ...jobProperties(other), agent }), '{}');
    expect(answer.result.agent).toEqual(agent);
  });

  test('works with busybox alone, and curl', async () => {
    const [program = ''] = job.cpi;
    const busybox = { ...job, cpi: ['busybox', 'sh', program.replace(/cpi$/, 'ask-host')] as const };
    const bin = join(folder.path, 'busybox-bin');
    await mkdir(bin);
    for (const applet of ['cat', 'cut', 'grep', 'id', 'mktemp', 'rm', 'sed', 'sha256sum', 'tail', 'tr', 'sh'])
      await symlink((await which('busybox')) ?? '', join(bin, applet));
    for (const name of ['busybox', 'curl']) await symlink((await which(name)) ?? '', join(bin, name));
    const image = join(folder.path, 'image-1');
    await writeFile(image, 'by busybox');
    expect((await ask(busybox, '"here"', { PATH: bin })).answer.result).toBe('here');
    const { answer } = await ask(busybox, stemcellCall(image), { PATH: bin });
    expect(answer.error).toBeNull();
    const broken = { ...busybox, cpi: ['busybox', 'sh', await strangerJob()] as const };
    expect((await ask(broken, '{}', { PATH: bin })).answer.error.message).toContain('certificates');
  });

  test('finds a place for its files where TMPDIR is none', async () => {
    expect((await ask(job, '"here"', { TMPDIR: '/nonexistent' })).answer.result).toBe('here');
  });
});

const stemcellCall = (path: string, more = '') =>
  JSON.stringify({ method: 'create_stemcell', arguments: [path, { name: more }] });

describe('a stemcell’s image', () => {
  const imagesKept = async () => await readdir(join(served.folder, 'work', 'images'));

  test('goes to the host, once, and the call is about the host’s copy', async () => {
    const image = join(folder.path, 'an image (2)');
    const bytes = Buffer.alloc(3_000_000, 'not quite random');
    await writeFile(image, bytes);
    const failed = await ask(job, stemcellCall(image, 'fail-it'));
    expect(failed.answer.error.message).toBe('as asked');
    const [digest] = await imagesKept();
    const { answer } = await ask(job, stemcellCall(image));
    expect(answer.result).toBe(digest);
    expect(await imagesKept()).toEqual([]);
  });

  test('goes once also if two calls bring it at the same time', async () => {
    const image = join(folder.path, 'image-3');
    await writeFile(image, Buffer.alloc(5_000_000, 'other'));
    const both = await Promise.all([1, 2].map(() => run(job.cpi, { input: stemcellCall(image) })));
    const [one, two] = both.map(({ stdout }) => JSON.parse(stdout));
    expect(one.error).toBeNull();
    expect(two).toEqual(one);
  });

  test('that is empty is an image too', async () => {
    const image = join(folder.path, 'image-4');
    await writeFile(image, '');
    expect((await ask(job, stemcellCall(image))).answer.error).toBeNull();
  });

  test.each([
    ['is not there', '/nonexistent/image', 'cannot be read by'],
    ['is a folder', '/', 'cannot be read by'],
  ])('that %s is an error with its path', async (_, path, message) => {
    const { answer } = await ask(job, stemcellCall(path));
    expect(answer.error.message).toContain(path);
    expect(answer.error.message).toContain(message);
  });

  test('for which the host has no space is NoDiskSpace', async () => {
    await using full = await serveCpi(script, { limits: { freeBytes: 2 ** 60 } });
    const image = join(folder.path, 'image-5');
    await writeFile(image, 'x');
    const { answer } = await ask(await otherJob('full', jobProperties(full)), stemcellCall(image));
    expect(answer.error.type).toBe('Bosh::Clouds::NoDiskSpace');
  });
});

/** A job that trusts, and shows, another CA's certificates. */
async function strangerJob(): Promise<string> {
  const { boshvirt_cpi_ca: ca, boshvirt_cpi_client_tls: client } = await cpiCertificates(
    join(folder.path, 'stranger.yml'),
    address,
  );
  const serve = { url: served.url, ca: ca.certificate, client };
  return (await renderJob(join(folder.path, 'stranger'), { boshvirt: { serve } })).replace(
    /cpi$/,
    'ask-host',
  );
}

describe('what goes wrong is an answer', () => {
  const failsWith = async (of: Job, ...words: string[]) => {
    const { answer, exitCode } = await ask(of, '{"method":"info","arguments":[]}');
    expect(exitCode).toBe(0);
    expect(answer).toMatchObject({ result: null, error: { ok_to_retry: false }, log: '' });
    expect(answer.error.type).toMatch(/^Bosh::Clouds::(CloudError|CpiError)$/);
    for (const word of words) expect(answer.error.message).toContain(word);
  };

  const atUrl = async (name: string, url: string, serve: object = {}) => {
    const { boshvirt } = jobProperties(served);
    return await otherJob(name, { boshvirt: { serve: { ...boshvirt.serve, url, ...serve } } });
  };

  test('a host where nobody listens', async () => {
    await failsWith(
      await atUrl('down', `https://${address}:1`),
      'does not answer',
      'boshvirt up',
      'firewall',
    );
  });

  test('a host with another CA’s certificate', async () => {
    await failsWith({ ...job, cpi: [await strangerJob()] }, 'certificates', 'boshvirt_cpi_ca');
  });

  test('a client whose certificate the host does not know', async () => {
    const stranger = await cpiCertificates(join(folder.path, 'stranger.yml'), address);
    const client = { client: stranger.boshvirt_cpi_client_tls };
    await failsWith(await atUrl('client', served.url, client), 'does not accept this VM', 'boshvirt_cpi_ca');
  });

  test('a job without certificates', async () => {
    await failsWith(await atUrl('bare', served.url, { client: null }), 'certificates');
  });

  test('a host with the right certificate and another name', async () => {
    await failsWith(await atUrl('name', served.url.replace(address, 'localhost')), 'certificates');
  });

  /** A server with our certificate that does what `handle` says. */
  async function impostor(handle: Parameters<typeof createServer>[1]) {
    const { certificate: cert, private_key: key } = served.certificates.boshvirt_cpi_server_tls;
    const server = createServer({ cert, key }, handle);
    await new Promise<void>((resolve) => server.listen(0, address, resolve));
    const url = `https://${address}:${(server.address() as AddressInfo).port}`;
    return { url, [Symbol.asyncDispose]: async () => void server.close() };
  }

  test('a server that is none of ours', async () => {
    await using other = await impostor((request, response) => {
      request.resume();
      response.writeHead(502).end('<html>\nBad "Gateway"\n</html>');
    });
    await failsWith(await atUrl('other', other.url), 'no CPI server', '502');
  });

  test('a host that goes away in the middle of the call', async () => {
    await using other = await impostor((request, response) => {
      request.resume();
      response.write('it began\n');
      setTimeout(() => response.destroy(), 20);
    });
    const broken = await atUrl('broken', other.url);
    await failsWith(broken, 'broke', '--source cpi-server');
    expect((await ask(broken, '{}')).stderr).toBe('it began\n');
  });

  test('a host that goes away before it began', async () => {
    await using other = await impostor((request) => request.destroy());
    await failsWith(await atUrl('early', other.url), 'before it began');
  });

  test('a host that asks for a file which the request does not name gets none', async () => {
    let put = 0;
    await using other = await impostor((request, response) => {
      if (request.method === 'PUT') put += 1;
      request.resume();
      response.writeHead(428).end(join(folder.path, 'job', 'config', 'client.key'));
    });
    await failsWith(await atUrl('curious', other.url), 'does not name');
    expect(put).toBe(0);
  });

  test('a host that never has enough of the image', async () => {
    const image = join(folder.path, 'image-6');
    await writeFile(image, 'x');
    await using other = await impostor((request, response) => {
      request.resume();
      if (request.method === 'PUT') response.writeHead(201).end('kept\n');
      else response.writeHead(428).end(image);
    });
    const { answer } = await ask(await atUrl('greedy', other.url), stemcellCall(image));
    expect(answer.error.message).toContain('three times');
  });

  test('a machine without curl', async () => {
    const bin = join(folder.path, 'no-curl');
    await mkdir(bin);
    for (const name of ['cat', 'mktemp', 'rm', 'tr', 'sh'])
      await symlink((await which(name)) ?? '', join(bin, name));
    const { answer } = await ask(job, '{}', { PATH: bin });
    expect(answer.error.message).toContain('curl');
  });
});

test('a proxy and a curlrc of somebody’s change nothing, and no secret is in an argument', async () => {
  await writeFile(join(folder.path, '.curlrc'), 'proxy = http://127.0.0.1:1\nfail\n');
  const env = { HOME: folder.path, https_proxy: 'http://127.0.0.1:1', ALL_PROXY: 'http://127.0.0.1:1' };
  expect((await ask(job, '"here"', env)).answer.result).toBe('here');
  const text = await readFile(join(folder.path, 'job', 'bin', 'ask-host'), 'utf8');
  expect(text).not.toContain('PRIVATE KEY');
});
