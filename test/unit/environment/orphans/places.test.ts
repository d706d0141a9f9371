/** Where orphans are looked for, and what is said of places that cannot be looked into. No libvirt runs here. */
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { idleHost } from '../../../../src/environment/orphans/private-host.ts';
import { findTerritories } from '../../../../src/environment/orphans/territories.ts';
import { environmentPaths, privateHostFolder } from '../../../../src/environment/paths.ts';
import { writeRecord } from '../../../../src/environment/record.ts';
import { silentLog } from '../../../../src/platform/log.ts';
import { recordWith } from '../../../support/environment-record.ts';

let data: string;
const find = async (only?: string) => await findTerritories(only, silentLog, new AbortController().signal);

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'places-'));
  vi.stubEnv('XDG_DATA_HOME', data);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(data, { recursive: true, force: true });
});

test('an environment whose host is down, and one whose record is damaged, are named', async () => {
  await writeRecord(recordWith({ host: 'private' }));
  const { record } = environmentPaths('broken');
  await mkdir(environmentPaths('broken').folder, { recursive: true });
  await writeFile(record, 'version: 7');
  const { territories, unseen } = await find();
  expect(territories).toEqual([]);
  expect(unseen).toEqual([
    expect.stringContaining(record),
    expect.stringMatching(/^'work': .* is down; boshvirt up work/),
  ]);
  expect((await find('broken')).unseen).toEqual([expect.stringContaining(record)]);
});

test('an environment that nobody ever heard of is an error', async () => {
  await expect(find('none')).rejects.toMatchObject({ code: 'NO_ENVIRONMENT' });
});

test('a libvirt that breaks the protocol keeps nobody from the others', async () => {
  const socket = join(data, 'sock');
  await using server = createServer((peer) => peer.resume().end('this is no libvirt, by far'));
  await once(server.listen(socket), 'listening');
  const uri = `qemu:///system?socket=${socket}`;
  await writeRecord(recordWith({ host: 'given', uri }));
  const { territories, unseen } = await find();
  expect(territories).toEqual([]);
  expect(unseen).toEqual([expect.stringMatching(/^'work': /), expect.stringContaining(uri)]);
  expect((await find('none')).unseen).toEqual(unseen.slice(1));
});

test('on another machine only backends that can be far away are asked', async () => {
  const [bin, asked] = [join(data, 'bin'), join(data, 'asked')];
  await mkdir(bin);
  await writeFile(join(bin, 'ssh'), `#!/bin/sh\necho "$@" >> ${asked}\nexit 255\n`);
  await chmod(join(bin, 'ssh'), 0o755);
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  await writeRecord(recordWith({ host: 'given', uri: 'qemu+ssh://far/system' }));
  await find();
  const calls = await readFile(asked, 'utf8');
  expect(calls).toContain('qemu:///system');
  expect(calls).not.toContain('lxc:///system');
});

test('a private host on which no environment lives is an orphan, with data if there are disks', async () => {
  expect(await idleHost()).toBeUndefined();
  const pool = join(privateHostFolder(), 'pools', 'boshvirt-work');
  await mkdir(pool, { recursive: true });
  await writeFile(join(pool, 'vm-0123456789abcdef0-root.qcow2'), Buffer.alloc(100_000, 'x'));
  expect(await idleHost()).toMatchObject({ kind: 'host', name: privateHostFolder(), holdsData: false });
  expect((await idleHost())?.bytesOnDisk).toBeGreaterThanOrEqual(100_000);
  await writeFile(join(pool, 'disk-0123456789abcde.qcow2'), 'x');
  expect(await idleHost()).toMatchObject({ holdsData: true });
  await writeRecord(recordWith({ host: 'private' }));
  expect(await idleHost()).toBeUndefined();
});
