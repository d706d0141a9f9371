/** The two ways in: a packaged install by npm, and a fresh clone that sets itself up. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isThere } from '../../src/platform/files.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run, which } from '../../src/platform/process.ts';
import { type Launcher, launcherFor } from '../support/launcher.ts';

/** Without npm's own additions: the Node of the machine, whatever its age. */
const systemPath = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp'))
  .join(':');
const env = { PATH: systemPath };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boshvirt install '));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function newHome(name: string): Promise<string> {
  const home = join(folder, name);
  await mkdir(home);
  return home;
}

describe('npm install -g of the package', () => {
  let boshvirt: Launcher;
  let tarball: string;
  const root = () => join(folder, 'prefix/lib/node_modules/boshvirt');

  beforeAll(async () => {
    const pack = ['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder] as const;
    const { stdout } = await run([...pack], { cwd: packageRoot(), env });
    tarball = join(folder, stdout.trim().split('\n').at(-1) ?? '');
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
    await run(['npm', 'install', '--global', '--prefix', join(folder, 'prefix'), ...quiet, tarball], {
      env,
      timeoutMs: 300_000,
    });
    boshvirt = launcherFor(await newHome('package home'), join(folder, 'prefix/bin/boshvirt'));
  });

  test('holds what is needed and nothing else', async () => {
    expect((await readdir(root())).sort()).toEqual(
      [
        'ARCHITECTURE.md',
        'LICENSE',
        'README.md',
        'bin',
        'dist',
        'docs',
        'libexec',
        'manifests',
        'oclif.manifest.json',
        'ops-files',
        'package.json',
        'stemcells',
        'templates',
        ...((await isThere(join(root(), 'node_modules'))) ? ['node_modules'] : []),
      ].sort(),
    );
    const { stdout } = await run(['tar', '-tzf', tarball]);
    expect(stdout).not.toMatch(/\.test\.|tsconfig|package-lock|dist\/compiled|\.map$/m);
  });

  test('runs on a Node of its own, or a new one of the machine', async () => {
    const { stdout, exitCode } = await boshvirt.run(['version', '--json'], { env });
    expect(exitCode).toBe(0);
    const { version } = JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8'));
    expect(JSON.parse(stdout)).toMatchObject({ boshvirt: version, node: expect.stringMatching(/^2[4-9]\./) });
  });

  test('keeps what V8 compiled, for the next start', async () => {
    await boshvirt.run(['version'], { env });
    expect(await readdir(join(root(), 'dist/compiled'))).not.toEqual([]);
  });

  test('looks at the machine, and shows help', async () => {
    const { stdout } = await boshvirt.run(['doctor', '--json'], { env });
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ id: 'node.version', status: 'ok' }));
    const help = await boshvirt.run(['help', 'snapshot', 'create'], { env });
    expect(help).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('before-upgrade') });
  });

  test('answers a CPI call', async () => {
    const request = JSON.stringify({
      method: 'info',
      arguments: [],
      context: { director_uuid: 'd' },
      api_version: 2,
    });
    const { stdout } = await run([join(folder, 'prefix/bin/boshvirt'), 'cpi'], { input: request, env });
    expect(JSON.parse(stdout)).toMatchObject({
      result: { stemcell_formats: expect.arrayContaining(['openstack-qcow2']) },
      error: null,
    });
  });

  test('builds the same CPI release as the checkout', async () => {
    const built = await boshvirt.run(['release', 'build', '--out', 'cpi.tgz', '--json'], { env });
    const own = launcherFor(await newHome('checkout home'));
    const same = await own.run(['release', 'build', '--out', 'cpi.tgz', '--json']);
    expect(JSON.parse(built.stdout).sha256).toBe(JSON.parse(same.stdout).sha256);
  });
});

const isClone = await isThere(join(packageRoot(), '.git'));

describe.skipIf(!isClone)('a fresh clone (needs a git checkout to clone from)', () => {
  let clone: string;

  beforeAll(async () => {
    clone = join(folder, 'clone of boshvirt');
    await run(['git', 'clone', '--quiet', packageRoot(), clone]);
  });

  test('without npm it says what brings it', async () => {
    const bin = join(folder, 'few programs');
    await mkdir(bin);
    for (const program of ['sh', 'readlink', 'flock', 'find', 'head'])
      await symlink((await which(program)) ?? '', join(bin, program));
    const boshvirt = launcherFor(await newHome('poor home'), join(clone, 'bin/boshvirt'));
    const { exitCode, stderr } = await boshvirt.run(['version'], { env: { PATH: bin } });
    expect(stderr).toContain('apt-get install npm');
    expect(exitCode).toBe(10);
  });

  test('installs, builds and answers; from then on it is silent', async () => {
    const boshvirt = launcherFor(await newHome('clone home'), join(clone, 'bin/boshvirt'));
    const first = await boshvirt.run(['version'], { env });
    expect(first.stderr).toMatch(/^boshvirt: installing packages \(once\)\n(.*\n)*boshvirt: building\n/);
    expect(first).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^boshvirt \S+ \(Node 2[4-9]\./),
    });
    expect(await boshvirt.run(['version'], { env })).toMatchObject({ stderr: '', stdout: first.stdout });
  });

  test('two first runs at the same time do not get in each other’s way', async () => {
    await rm(join(clone, 'dist'), { recursive: true });
    const boshvirt = launcherFor(await newHome('busy home'), join(clone, 'bin/boshvirt'));
    const runs = await Promise.all([1, 2].map(() => boshvirt.run(['version'], { env })));
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(runs.filter(({ stderr }) => stderr.includes('building'))).toHaveLength(1);
  });
});
