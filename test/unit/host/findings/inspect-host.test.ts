import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { hostChecks, inspect, lookAt } from '../../../../src/host/findings/inspect-host.ts';
import { run, which } from '../../../../src/platform/process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-doctor-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const inspectHost = async (dataFolder: string) => await inspect(hostChecks(dataFolder, 'qemu:///system'));
const finding = async (id: string, dataFolder = folder) =>
  (await inspectHost(dataFolder)).find((each) => each.id === id);

test('each finding has an id of its own, says what was seen and why it matters, and what to do if something is wrong', async () => {
  const findings = await inspectHost(join(folder, 'not', 'yet'));
  expect(new Set(findings.map(({ id }) => id)).size).toBe(findings.length);
  for (const { id, title, detail, why, status, fix } of findings) {
    expect(id).toMatch(/^[a-z]+(\.[a-z]+)?$/);
    expect([title, detail, why].every((text) => text.length > 0 && !text.includes('\n'))).toBe(true);
    expect(fix === undefined).toBe(status === 'ok');
  }
});

test('a look that fails is a finding that says so, and the others are there all the same', async () => {
  const why = 'it is a test';
  const look = async () => {
    throw new Error('the disk is on fire');
  };
  expect(await lookAt({ id: 'the.id', title: 'title', why, look })).toEqual({
    id: 'the.id',
    title: 'title',
    why,
    status: 'warn',
    detail: 'could not be looked at: the disk is on fire',
    fix: expect.any(String),
  });
  vi.stubEnv('PATH', folder); // no program is found but those of administrators
  const findings = await inspectHost(folder);
  expect(findings.find(({ id }) => id === 'stemcell.packages')).toMatchObject({ status: 'fail' });
  expect(findings.find(({ id }) => id === 'node.version')).toMatchObject({ status: 'ok' });
});

test('a version is what the program says of itself; of libvirt’s two daemons one is enough', async () => {
  const script = `#!/bin/sh\n[ "$*" = --version ] && echo 'virtqemud (libvirt) 99.1.0'\n`;
  await writeFile(join(folder, 'virtqemud'), script, { mode: 0o755 });
  vi.stubEnv('PATH', folder);
  const ofLibvirtd = (await which('libvirtd')) ? /^\d/ : /^99\.1\.0$/;
  expect(await finding('libvirt.version')).toMatchObject({ detail: expect.stringMatching(ofLibvirtd) });
});

describe('the folder with the credentials', () => {
  test.each([
    [0o700, 'ok', 'owner’s alone'],
    [0o750, 'warn', 'open to others (mode 750)'],
    [0o701, 'warn', 'open to others (mode 701)'],
  ])('mode %o: %s', async (mode, status, detail) => {
    const data = join(folder, 'data folder');
    await mkdir(data);
    await chmod(data, mode);
    const seen = await finding('secrets.perm', data);
    expect(seen).toMatchObject({ status, detail: expect.stringContaining(detail) });
    if (status === 'warn') {
      await run(['sh', '-c', seen?.fix ?? '']);
      expect(await finding('secrets.perm', data)).toMatchObject({ status: 'ok' });
    }
  });

  test('that is not there yet is in order, and space is looked for where it will be', async () => {
    const data = join(folder, 'not', 'yet');
    expect(await finding('secrets.perm', data)).toMatchObject({ status: 'ok' });
    expect(await finding('fs.space', data)).toMatchObject({
      detail: expect.stringContaining(` in ${folder}`),
    });
  });
});
