import { mkdir, mkdtempDisposable, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { downloadLock } from '../../../src/environment/download-lock.ts';
import { environmentPaths } from '../../../src/environment/paths.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** A home with a project in it, in a folder of which somebody works. */
async function project(configuration: string | undefined) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'bv-project-'));
  const home = await realpath(folder.path);
  const below = join(home, 'project', 'below');
  await mkdir(below, { recursive: true });
  if (configuration !== undefined) await writeFile(join(home, 'project', 'boshvirt.yml'), configuration);
  for (const name of ['XDG_CACHE_HOME', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME']) vi.stubEnv(name, home);
  vi.stubEnv('HOME', home);
  vi.spyOn(process, 'cwd').mockReturnValue(below);
  return { home, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('the lock file lies beside the configuration of the project', async () => {
  await using at = await project('version: 1\n');
  expect(await downloadLock('work')).toEqual({
    path: join(at.home, 'project', 'boshvirt.lock'),
    fallback: join(at.home, 'boshvirt', 'downloads', 'boshvirt.lock'),
    environment: 'work',
    update: false,
  });
});

test('without a project it lies in the folder of the environment', async () => {
  await using _ = await project(undefined);
  const { path, update } = await downloadLock('work', { update: true });
  expect(path).toBe(join(environmentPaths('work').folder, 'boshvirt.lock'));
  expect(update).toBe(true);
});

test('a configuration that is named has its lock file beside it, too', async () => {
  await using at = await project(undefined);
  const configPath = join(at.home, 'other.yml');
  await writeFile(configPath, 'version: 1\n');
  expect((await downloadLock('work', { configPath })).path).toBe(join(at.home, 'boshvirt.lock'));
});
