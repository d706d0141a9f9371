import { createHash } from 'node:crypto';
import { mkdtempDisposable, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { fetchBosh, findBoshProgram } from '../../../src/environment/bosh-program.ts';
import { fetchOptionsOf } from '../../../src/environment/fetch-options.ts';
import { silentLog } from '../../../src/platform/log.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A server that has `content` as the bosh CLI, and a home where there is none yet. */
async function scene(content: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'fetched bosh '));
  vi.stubEnv('XDG_CACHE_HOME', folder.path);
  vi.stubEnv('XDG_DATA_HOME', folder.path);
  vi.stubEnv('PATH', '/usr/bin:/bin');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bosh`;
  const sha256 = createHash('sha256').update(content).digest('hex');
  const caller = { log: silentLog, signal: new AbortController().signal };
  return {
    asked,
    folder: folder.path,
    pin: { version: '7.1.2', programs: { [`${process.platform}-${process.arch}`]: { url, sha256 } } },
    options: (offline = false) => fetchOptionsOf({ offline }, caller),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
}

const program = '#!/bin/sh\necho "version 7.1.2-abc"\n';

test('where there is no bosh, it is fetched once, and found from then on', async () => {
  await using there = await scene(program);
  expect(await findBoshProgram()).toBeUndefined();
  const { path, version } = await fetchBosh(there.options(), there.pin);
  expect(version).toBe('7.1.2-abc');
  expect(path.startsWith(there.folder)).toBe(true);
  expect((await stat(path)).mode & 0o777).toBe(0o755);
  expect(await findBoshProgram()).toEqual({ path, version });
  expect(await fetchBosh(there.options(), there.pin)).toEqual({ path, version });
  expect(there.asked).toEqual(['/bosh']);
});

test("a bosh on PATH is taken, and nothing is fetched, were it for another machine's sake", async () => {
  await using there = await scene(program);
  const own = join(there.folder, 'bosh');
  await writeFile(own, '#!/bin/sh\necho "version 6.0.0"\n', { mode: 0o755 });
  vi.stubEnv('PATH', `${there.folder}:/usr/bin:/bin`);
  const found = await fetchBosh(there.options(), { version: '7.1.2', programs: {} });
  expect(found).toEqual({ path: own, version: '6.0.0' });
  expect(there.asked).toEqual([]);
});

test.each([
  ['a program that does not run', '#!/bin/sh\nexit 3\n', false, 'PREFLIGHT'],
  ['no network', program, true, 'OFFLINE'],
])('%s is told', async (_, content, offline, code) => {
  await using there = await scene(content);
  await expect(fetchBosh(there.options(offline), there.pin)).rejects.toMatchObject({ code });
});

test('a machine for which there is no bosh to fetch is told where to look', async () => {
  await using there = await scene(program);
  const none = fetchBosh(there.options(), { version: '7.1.2', programs: {} });
  await expect(none).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    hints: [expect.stringContaining('bosh.io')],
  });
});
