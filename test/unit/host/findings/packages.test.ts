import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { missingPackages } from '../../../../src/host/findings/packages.ts';
import type { PackageNeed } from '../../../../src/platform/package-need.ts';

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

const needs: readonly PackageNeed[] = [
  { package: 'libvirt-clients', program: 'virsh' },
  { package: 'qemu-utils', program: 'qemu-img' },
  { package: 'qemu-utils', program: 'qemu-nbd' },
];

test('packages whose programs are not there are missing, each named once', async () => {
  expect(await missingPackages(needs)).toEqual(['libvirt-clients', 'qemu-utils']);
});

test('a program on PATH is enough, whoever brought it; a file that cannot be run is not', async () => {
  await place('virsh');
  await place('qemu-img', 0o644);
  await place('qemu-nbd');
  expect(await missingPackages(needs)).toEqual(['qemu-utils']);
});

test('of the places where releases have a file, one is enough', async () => {
  const [here, elsewhere] = [join(folder, 'rom'), join(folder, 'other')];
  const rom = [{ package: 'ipxe-qemu', files: [elsewhere, here] }];
  expect(await missingPackages(rom)).toEqual(['ipxe-qemu']);
  await writeFile(here, '');
  expect(await missingPackages(rom)).toEqual([]);
});
