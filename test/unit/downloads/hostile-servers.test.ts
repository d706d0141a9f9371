import { expect, test } from 'vitest';
import {
  breaksAfter,
  claims,
  content,
  faultyServer,
  hangsUp,
  ignoresVersions,
  isSilent,
  redirects,
  refuses,
  serves,
  servesWholeOnly,
  servesWithoutLength,
  sha256Of,
  stallsAfter,
  trickles,
} from '../../support/faulty-server.ts';
import { fetchScene } from './fetch-scene.ts';

const file = content(300_000);
const other = content(300_000);
const named = (url: string, ...mirrors: string[]) => ({
  name: 'release one/1',
  urls: [url, ...mirrors] as const,
});

test('a download is kept by its content, with both checksums', async () => {
  await using scene = await fetchScene();
  const artifact = named(scene.server.on('/one.tgz', serves(file)));
  const fetched = await scene.fetch(artifact);
  expect(fetched).toEqual({
    artifact,
    path: `${scene.cacheDir}/downloads/sha256/${file.sha256}`,
    sha1: file.sha1,
    sha256: file.sha256,
    bytes: 300_000,
  });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
  expect(await scene.filesIn('partial')).toEqual([]);
  expect(await scene.filesIn('locks')).toEqual([]);
});

test('a connection that breaks is gone on with where it broke', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', breaksAfter(100_000, file), breaksAfter(50_000, file), serves(file));
  const fetched = await scene.fetch({ ...named(url), sha256: file.sha256 });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
  expect(scene.server.requests.map(({ range }) => range)).toEqual([
    undefined,
    'bytes=100000-',
    'bytes=150000-',
  ]);
  expect(scene.server.requests.map(({ ifRange }) => ifRange)).toEqual([undefined, file.etag, file.etag]);
  expect(scene.server.bytesServed).toBe(300_000);
});

test('a server that breaks off time and again is asked as long as it gets further', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', breaksAfter(20_000, file));
  const fetched = await scene.fetch({ ...named(url), sha256: file.sha256 });
  expect(fetched.bytes).toBe(300_000);
  expect(scene.server.requests).toHaveLength(15);
});

test('a date is as good as a tag to know a file again', async () => {
  await using scene = await fetchScene();
  const headers = { etag: undefined, 'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT' };
  const url = scene.server.on('/one', breaksAfter(100_000, file, headers), serves(file, headers));
  await scene.fetch({ ...named(url), sha256: file.sha256 });
  expect(scene.server.bytesServed).toBe(300_000);
});

test.each([
  ['nothing', { etag: undefined }],
  ['a weak tag alone', { etag: 'W/"1"' }],
])('where %s tells the versions of a file apart it is fetched from its beginning', async (_, headers) => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', breaksAfter(100_000, file, headers), serves(file, headers));
  await scene.fetch({ ...named(url), sha256: file.sha256 });
  expect(scene.server.requests.map(({ range }) => range)).toEqual([undefined, undefined]);
});

test('a file that changed between two attempts is fetched anew', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', breaksAfter(100_000, other), serves(file));
  const fetched = await scene.fetch(named(url));
  expect(fetched.sha256).toBe(file.sha256);
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
});

const dated = (day: number) => ({ etag: undefined, 'last-modified': `${day} Oct 2015 07:28:00 GMT` });

test.each([
  ['tag', {}, {}],
  ['date', dated(21), dated(22)],
])('a server that sends the rest of another version by its %s is not believed', async (_, before, now) => {
  await using scene = await fetchScene();
  const url = scene.server.on(
    '/one',
    breaksAfter(100_000, other, before),
    ignoresVersions(file, now),
    serves(file),
  );
  const fetched = await scene.fetch(named(url));
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
  expect(scene.server.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-', undefined]);
});

test('a mixture of two versions under one tag is noticed by its checksum, and fetched anew', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', breaksAfter(100_000, other), serves({ ...file, etag: other.etag }));
  const fetched = await scene.fetch({ ...named(url), sha1: file.sha1 });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
});

test('a server that knows no ranges sends all of it again', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', breaksAfter(100_000, file), servesWholeOnly(file));
  const fetched = await scene.fetch({ ...named(url), sha256: file.sha256 });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
  expect(scene.server.bytesServed).toBe(400_000);
});

test('a server that cannot satisfy the range is asked for all of it', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', breaksAfter(100_000, file), refuses(416), serves(file));
  const fetched = await scene.fetch({ ...named(url), sha256: file.sha256 });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
});

test.each([500, 502, 503, 504, 429, 408])('status %d passes', async (status) => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', refuses(status), serves(file));
  await scene.fetch(named(url));
  expect(scene.server.requests).toHaveLength(2);
});

test.each([400, 401, 403, 404, 410])('status %d stays: it is told at once', async (status) => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', refuses(status));
  await expect(scene.fetch(named(url))).rejects.toMatchObject({
    code: 'DOWNLOAD',
    message: expect.stringContaining(`release one/1 could not be fetched: ${url} answered ${status}`),
  });
  expect(scene.server.requests).toHaveLength(1);
});

test('a server that goes on failing is given up after some attempts', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', refuses(500));
  await expect(scene.fetch(named(url))).rejects.toMatchObject({
    code: 'DOWNLOAD',
    message: `release one/1 could not be fetched: ${url} answered 500 Internal Server Error (3 attempts)`,
  });
  expect(scene.server.requests).toHaveLength(3);
});

test('a server that says when to come back is asked then, whatever our own pace', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', refuses(503, { 'retry-after': '0' }), serves(file));
  const patience = { attempts: 3, retryDelayMs: 1e9, stallMs: 20_000 };
  await scene.fetch(named(url), { patience });
  expect(scene.lines.join('\n')).toContain('answered 503 Service Unavailable; tries again in 0 ms');
});

test('a server that wants to be left alone for an hour has failed', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', refuses(503, { 'retry-after': '3600' }));
  await expect(scene.fetch(named(url))).rejects.toThrow('asks to be left alone for 60 min');
  expect(scene.server.requests).toHaveLength(1);
});

test('a server that hangs up without an answer is asked again', async () => {
  await using scene = await fetchScene();
  await scene.fetch(named(scene.server.on('/one', hangsUp, serves(file))));
  expect(scene.server.requests).toHaveLength(2);
});

test('where nobody listens, that is said', async () => {
  await using scene = await fetchScene();
  const url = scene.server.url('/one');
  await scene.server[Symbol.asyncDispose]();
  await expect(scene.fetch(named(url))).rejects.toThrow(`${url} refuses connections (3 attempts)`);
});

test('a server that stops sending is given up, and gone on with', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', stallsAfter(100_000, file), serves(file));
  const patience = { attempts: 3, retryDelayMs: 1, stallMs: 300 };
  const fetched = await scene.fetch({ ...named(url), sha256: file.sha256 }, { patience });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
  expect(scene.server.requests[1]?.range).toBe('bytes=100000-');
});

test('a server that never answers is given up', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', isSilent);
  const patience = { attempts: 2, retryDelayMs: 1, stallMs: 200 };
  await expect(scene.fetch(named(url), { patience })).rejects.toThrow(
    'accepts connections and does not answer',
  );
});

test('a slow server that goes on sending may take longer than one that is silent', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', trickles(5, 400, file));
  const patience = { attempts: 1, retryDelayMs: 1, stallMs: 1500 };
  const fetched = await scene.fetch(named(url), { patience });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
});

test('a file that ends before its promised length is not taken for whole', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', claims(400_000, file));
  await expect(scene.fetch(named(url))).rejects.toMatchObject({
    code: 'DOWNLOAD',
    message: expect.stringContaining('the connection broke (3 attempts)'),
  });
  expect(await scene.filesIn('sha256')).toEqual([]);
});

test('of a file that is longer than its promised length nothing but the promised is taken', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', claims(200_000, file));
  await expect(scene.fetch({ ...named(url), sha256: file.sha256 })).rejects.toMatchObject({
    code: 'CHECKSUM',
  });
  expect(await scene.filesIn('sha256')).toEqual([]);
});

test('a stream without a length is cut off once it is longer than the file', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', servesWithoutLength(file, other.bytes));
  await expect(scene.fetch({ ...named(url), bytes: 300_000 })).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: expect.stringContaining('sends more than the 300000 bytes'),
  });
});

test('a length other than the expected is refused before anything is taken', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', stallsAfter(10, file));
  await expect(scene.fetch({ ...named(url), bytes: 299_999 })).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: `release one/1 is not what it should be: ${url} serves another file: 300000 bytes, expected 299999`,
  });
});

test.each(['sha1', 'sha256'] as const)(
  'a wrong %s names address, expected and got, and nothing is kept',
  async (sort) => {
    await using scene = await fetchScene();
    const url = scene.server.on('/one', serves(other));
    await expect(scene.fetch({ ...named(url), [sort]: file[sort] })).rejects.toMatchObject({
      code: 'CHECKSUM',
      message: `release one/1 is not what it should be: ${url} serves another file: ${sort} ${other[sort]}, expected ${file[sort]}`,
    });
    expect(scene.server.requests).toHaveLength(2);
    expect(await scene.filesIn('sha256')).toEqual([]);
    expect(await scene.filesIn('partial')).toEqual([]);
  },
);

test('a page that a gateway sends once in place of the file does no harm', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', serves(content(500)), serves(file));
  const fetched = await scene.fetch({ ...named(url), sha1: file.sha1 });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
});

test.each([
  ['has nothing', refuses(404)],
  ['serves another file', serves(other)],
  ['goes on failing', refuses(500)],
])('a mirror is asked where the first address %s', async (_, fault) => {
  await using scene = await fetchScene();
  const first = scene.server.on('/first', fault);
  const mirror = scene.server.on('/mirror', serves(file));
  const fetched = await scene.fetch({ ...named(first, mirror), sha256: file.sha256 });
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
});

test('what one server sent is not continued with what another sends', async () => {
  await using scene = await fetchScene();
  const first = scene.server.on('/first', breaksAfter(100_000, { ...other, etag: file.etag }), refuses(404));
  const mirror = scene.server.on('/mirror', serves(file));
  const fetched = await scene.fetch(named(first, mirror));
  expect(await sha256Of(fetched.path)).toBe(file.sha256);
  expect(scene.server.requests.at(-1)).toMatchObject({ path: '/mirror', range: undefined });
});

test('where all fail, each is told of; a wrong file matters most', async () => {
  await using scene = await fetchScene();
  const first = scene.server.on('/first', refuses(404));
  const mirror = scene.server.on('/mirror', serves(other));
  await expect(scene.fetch({ ...named(first, mirror), sha1: file.sha1 })).rejects.toMatchObject({
    code: 'CHECKSUM',
    message: [
      'release one/1 is not what it should be:',
      `  ${first} answered 404 Not Found`,
      `  ${mirror} serves another file: sha1 ${other.sha1}, expected ${file.sha1}`,
    ].join('\n'),
  });
});

test('redirects are followed, with the range, also to another server', async () => {
  await using scene = await fetchScene();
  await using elsewhere = await faultyServer(scene.arrival);
  const target = elsewhere.on('/file', breaksAfter(100_000, file), serves(file));
  const url = scene.server.on('/one', redirects('/two'));
  scene.server.on('/two', redirects(target, 307));
  await scene.fetch({ ...named(url), sha256: file.sha256 });
  expect(elsewhere.requests.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-']);
});

test('redirects in a circle end', async () => {
  await using scene = await fetchScene();
  const url = scene.server.on('/one', redirects('/two'));
  scene.server.on('/two', redirects('/one'));
  await expect(scene.fetch(named(url))).rejects.toThrow('sends from one address to the next without end');
});

test.each([
  ['me:s%20cret', 'me:s cret'],
  ['me:not@s%2Fcret', 'me:not@s/cret'],
])(
  'the name and password in https://%s@host reach that server alone, and no message',
  async (typed, login) => {
    await using scene = await fetchScene();
    await using elsewhere = await faultyServer(scene.arrival);
    const url = scene.server.on('/one', redirects(elsewhere.url('/gone'))).replace('://', `://${typed}@`);
    const failure = await scene.fetch(named(url)).catch((error: Error) => error.message);
    expect(failure).not.toContain('cret');
    expect(scene.lines.join('\n')).not.toContain('cret');
    expect(scene.server.requests[0]?.authorization).toBe(`Basic ${Buffer.from(login).toString('base64')}`);
    expect(elsewhere.requests.map(({ authorization }) => authorization)).toEqual([undefined]);
  },
);
