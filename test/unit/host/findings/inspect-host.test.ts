import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { judgeKvm } from '../../../../src/host/findings/checks/accelerator.ts';
import { judgeVersion } from '../../../../src/host/findings/checks/hypervisor.ts';
import { inspectHost, lookAt } from '../../../../src/host/findings/inspect-host.ts';
import { run, which } from '../../../../src/platform/process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-doctor-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

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
  expect(findings.find(({ id }) => id === 'host.packages')).toMatchObject({ status: 'fail' });
  expect(findings.find(({ id }) => id === 'node.version')).toMatchObject({ status: 'ok' });
});

test('a version is what the program says of itself; of libvirt’s two daemons one is enough', async () => {
  for (const [program, says] of [
    ['virtqemud', 'virtqemud (libvirt) 99.1.0'],
    ['qemu-system-x86_64', 'QEMU emulator version 98.2.1 (of the test)'],
  ] as const) {
    const script = `#!/bin/sh\n[ "$*" = --version ] && echo '${says}'\n`;
    await writeFile(join(folder, program), script, { mode: 0o755 });
  }
  vi.stubEnv('PATH', folder);
  expect(await finding('qemu.version')).toMatchObject({ status: 'ok', detail: '98.2.1' });
  const ofLibvirtd = (await which('libvirtd')) ? /^\d/ : /^99\.1\.0$/;
  expect(await finding('libvirt.version')).toMatchObject({ detail: expect.stringMatching(ofLibvirtd) });
});

describe('a version', () => {
  test.each([
    ['libvirtd (libvirt) 9.0.0', '9.0', 'ok', '9.0.0'],
    ['QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)', '7.2', 'ok', '7.2.22'],
    ['QEMU emulator version 10.0.2', '7.2', 'ok', '10.0.2'],
    ['libvirtd (libvirt) 8.10.0', '9.0', 'warn', '8.10.0, older than 9.0'],
    ['QEMU emulator version 7.1.99', '7.2', 'warn', '7.1.99, older than 7.2'],
    ['what?\n', '7.2', 'warn', 'it says: what?'],
  ])('%s, tested with %s: %s', (answer, tested, status, detail) => {
    expect(judgeVersion(answer, tested)).toMatchObject({ status, detail });
  });
});

describe('KVM', () => {
  const capable = 'flags\t\t: fpu vmx sse2\n';
  test.each([
    ['device and processor', undefined, capable, 'ok', /^KVM$/],
    ['a device that this user may not open', 'EACCES', capable, 'ok', /may not open/],
    ['no device', 'ENOENT', capable, 'warn', /no \/dev\/kvm/],
    ['a device without a module', 'ENODEV', capable, 'warn', /ENODEV/],
    [
      'a device, but a processor without virtualization',
      undefined,
      'flags\t\t: fpu sse2\n',
      'warn',
      /no vmx or svm/,
    ],
  ])('%s', (_, errno, cpuinfo, status, detail) => {
    expect(judgeKvm(errno, cpuinfo)).toMatchObject({ status, detail: expect.stringMatching(detail) });
  });
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
