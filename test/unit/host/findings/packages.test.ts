import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { missingPackages } from '../../../../src/host/findings/packages.ts';

/** A PATH with nothing on it; folders of administrators' programs are searched all the same. */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bv-packages-'));
  vi.stubEnv('PATH', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function place(program: string, mode = 0o755): Promise<void> {
  const path = join(folder, program);
  await writeFile(path, '');
  await chmod(path, mode);
}

test('packages whose programs are not there are missing', async () => {
  const missing = await missingPackages('qemu');
  expect(missing).toEqual(
    expect.arrayContaining([
      'libvirt-clients',
      'qemu-system-x86',
      'qemu-utils',
      'util-linux',
      'openssh-client',
    ]),
  );
  expect(await missingPackages('stemcell')).toEqual(expect.arrayContaining(['apt', 'dpkg']));
});

test('a program on PATH is enough, whoever brought it; a file that cannot be run is not', async () => {
  await place('virsh');
  await place('qemu-img', 0o644);
  const missing = await missingPackages('qemu');
  expect(missing).not.toContain('libvirt-clients');
  expect(missing).toContain('qemu-utils');
});

test('no package is named twice', async () => {
  const missing = await missingPackages('qemu');
  expect(new Set(missing).size).toBe(missing.length);
});
