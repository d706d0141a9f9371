/** The life of a CPI server by the real launcher, on an address of this machine's loopback: no libvirt is needed for `info`. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cpiServerState, startCpiServer, stopCpiServer } from '../../../src/environment/cpi-server.ts';
import { doctor } from '../../../src/environment/doctor.ts';
import { environmentPaths } from '../../../src/environment/paths.ts';
import { type EnvironmentRecord, writeRecord } from '../../../src/environment/record.ts';
import { isThere } from '../../../src/platform/files.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { waitFor } from '../../../src/platform/retry.ts';
import { cpiCertificates } from '../../support/cpi-certificates.ts';
import { recordWith } from '../../support/environment-record.ts';
import { launcherFor } from '../../support/launcher.ts';

/** All of 127.0.0.0/8 is this machine's, so each run has an address for itself. */
const gateway = `127.83.${randomInt(256)}.${randomInt(1, 255)}`;
const caller = { log: silentLog, signal: new AbortController().signal };

let home: Awaited<ReturnType<typeof mkdtempDisposable>>;
let record: EnvironmentRecord;

beforeEach(async () => {
  home = await mkdtempDisposable(join(tmpdir(), 'bv-serve-'));
  vi.stubEnv('HOME', home.path);
  for (const kind of ['DATA', 'STATE', 'CACHE', 'CONFIG']) vi.stubEnv(`XDG_${kind}_HOME`, undefined);
  const network = { ...recordWith().network, gateway, ip: '127.84.0.1' };
  record = recordWith({ profile: 'director', network });
  await writeRecord(record);
});

afterEach(async () => {
  await stopCpiServer(record);
  vi.unstubAllEnvs();
  await home[Symbol.asyncDispose]();
});

const credentials = () => environmentPaths('work').credentials;
const withCertificates = async () => await cpiCertificates(credentials(), gateway);
const finding = async () => (await doctor(undefined)).find(({ id }) => id === 'cpi-server.work');

async function running(): Promise<number> {
  const state = await startCpiServer(record, caller);
  expect(state).toMatchObject({ state: 'running', url: `https://${gateway}:6870` });
  return Number(state.pid);
}

describe('starting', () => {
  test('finds one that runs, replaces one that was killed, and ends it for good', async () => {
    await withCertificates();
    expect(await cpiServerState(record)).toMatchObject({ state: 'down', pid: undefined });
    expect(await finding()).toMatchObject({ status: 'fail', fix: 'boshvirt up work' });
    const [pid, same] = await Promise.all([running(), running()]);
    expect(same).toBe(pid);
    expect(await running()).toBe(pid);
    expect(await finding()).toMatchObject({ status: 'ok' });
    process.kill(pid, 'SIGKILL');
    const gone = async () => ((await cpiServerState(record)).state === 'down' ? true : undefined);
    expect(await waitFor(gone, { timeoutMs: 5_000 })).toBe(true);
    expect(await running()).not.toBe(pid);
    await stopCpiServer(record);
    await stopCpiServer(record);
    expect(await cpiServerState(record)).toMatchObject({ state: 'down' });
  });

  test('replaces one that serves what is not asked for any more', async () => {
    await withCertificates();
    const pid = await running();
    record = { ...record, pool: { ...record.pool, name: 'another' } };
    await writeRecord(record);
    expect(await cpiServerState(record)).toMatchObject({ state: 'outdated', pid });
    const next = await running();
    expect(next).not.toBe(pid);
    await rm(credentials());
    await withCertificates();
    expect(await cpiServerState(record)).toMatchObject({
      ...{ state: 'outdated', pid: next, detail: expect.stringContaining('certificate') },
    });
    expect(await running()).not.toBe(next);
  });

  test('tells what is missing, or in the way, in words', async () => {
    await expect(startCpiServer(record, caller)).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
    await mkdir(environmentPaths('work').folder, { recursive: true });
    await writeFile(credentials(), 'admin_password: x\n');
    await expect(startCpiServer(record, caller)).rejects.toThrow('boshvirt_cpi_ca');
    await withCertificates();
    const other = createServer();
    await once(other.listen(6870, gateway), 'listening');
    try {
      await expect(startCpiServer(record, caller)).rejects.toThrow(
        /EADDRINUSE.*\n.*another program listens/s,
      );
    } finally {
      other.close();
    }
    await running();
  });

  test('is refused for a libvirt on another machine', async () => {
    await withCertificates();
    const far = { ...record, uri: 'qemu+ssh://root@far/system' };
    await expect(startCpiServer(far, caller)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

test('a server that hangs is silent', async () => {
  await withCertificates();
  const pid = await running();
  process.kill(pid, 'SIGSTOP');
  expect(await cpiServerState(record)).toMatchObject({ state: 'silent', pid });
  process.kill(pid, 'SIGCONT'); // or its polite end would take all the time that it has
  expect(await cpiServerState(record)).toMatchObject({ state: 'running' });
});

test('certificates that run out soon are told of before they do', async () => {
  await cpiCertificates(credentials(), gateway, { serverDays: 5 });
  await running();
  expect(await finding()).toMatchObject({
    status: 'warn',
    detail: expect.stringMatching(/run out in [45] days/),
  });
});

describe('boshvirt cpi serve', () => {
  test('stays in the foreground, is never there twice, and ends well when it is asked to', async () => {
    await withCertificates();
    const boshvirt = launcherFor(home.path);
    const first = boshvirt.start(['cpi', 'serve', 'work']);
    await first.shows('The CPI is served at');
    const second = await boshvirt.run(['cpi', 'serve', 'work']);
    expect(second).toMatchObject({
      exitCode: 71,
      stderr: expect.stringContaining('boshvirt cpi serve work'),
    });
    expect(await cpiServerState(record)).toMatchObject({ state: 'running' });
    first.signalAlone('SIGTERM');
    expect(await first.ended).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await isThere(join(environmentPaths('work').folder, 'cpi-server', 'process'))).toBe(false);
    const logs = await boshvirt.run(['logs', 'work', '--source', 'cpi-server']);
    expect(
      logs.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event),
    ).toEqual(['started', 'stopped']);
    expect(logs.stdout).toBe(await readFile(join(environmentPaths('work').logs, 'cpi-server.log'), 'utf8'));
  });

  test('of an environment that is none says so', async () => {
    await rm(environmentPaths('work').folder, { recursive: true });
    const { exitCode, stderr } = await launcherFor(home.path).run(['cpi', 'serve', 'work']);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 70, stderr: expect.stringContaining("'work'") });
  });
});
