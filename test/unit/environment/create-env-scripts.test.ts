import { mkdir, mkdtempDisposable, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { interpolateText } from '../../../src/engine/template/index.ts';
import { writeCreateEnvScripts } from '../../../src/environment/create-env-scripts.ts';
import { deploySource } from '../../../src/environment/deploy.ts';
import { environmentPaths } from '../../../src/environment/paths.ts';
import { takeLock } from '../../../src/platform/lock.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { run } from '../../../src/platform/process.ts';
import { recordWith } from '../../support/environment-record.ts';

type Folder = Awaited<ReturnType<typeof mkdtempDisposable>>;

let folder: Folder;
beforeEach(async () => {
  // a name as a shell would take it apart
  folder = await mkdtempDisposable(join(tmpdir(), "it's $HOME and\tmore "));
  vi.stubEnv('XDG_DATA_HOME', join(folder.path, 'data'));
  vi.stubEnv('XDG_CACHE_HOME', join(folder.path, 'cache'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder.remove();
});

const file = (name: string) => join(folder.path, name);

/** An environment with an ops-file and variables of the user's, which are gone once the scripts are written. */
async function scripts() {
  await writeFile(file('mine.yml'), '- { type: replace, path: /mine?, value: [((typed)), ((filed))] }\n');
  await writeFile(file('vars.yml'), 'filed: secret-2\n');
  const record = recordWith({
    ...{ ops: [file('mine.yml')], varsFiles: [file('vars.yml')], vars: { typed: 'secret-1' } },
  });
  const source = deploySource(record, { path: '/stemcell.tgz', sha1: 'abc' }, '/bin/boshvirt');
  const { work } = environmentPaths('work');
  await mkdir(work, { recursive: true, mode: 0o700 });
  const paths = await writeCreateEnvScripts(record, source, { workDir: work, log: silentLog });
  await rm(file('mine.yml'));
  await rm(file('vars.yml'));
  return { ...paths, source };
}

/** A bosh that writes down what it is started with. */
async function recordingBosh(): Promise<string> {
  const said = `printf '%s\\0' "$@" >'${file('argv').replaceAll("'", `'\\''`)}'; env -0 >'${file('env').replaceAll("'", `'\\''`)}'`;
  await writeFile(file('bosh'), `#!/bin/sh\n${said}\n`, { mode: 0o755 });
  return file('bosh');
}

async function runScript(path: string, words: string[] = [], env: Record<string, string> = {}) {
  const bosh = await recordingBosh();
  await run([path, ...words], { env: { ...env, BOSH_CLI: bosh }, timeoutMs: 20_000 });
  const [argv, environment] = await Promise.all([
    readFile(file('argv'), 'utf8'),
    readFile(file('env'), 'utf8'),
  ]);
  return { argv: argv.split('\0').slice(0, -1), env: environment.split('\0') };
}

/** The values of an option that may be given several times. */
const valuesOf = (argv: readonly string[], option: string) => argv.filter((_, at) => argv[at - 1] === option);

test('the script has bosh do all that boshvirt has it do, without the files that a person named', async () => {
  const { create, source } = await scripts();
  const { argv } = await runScript(create, ['--recreate']);
  const [command, manifestPath = ''] = argv;
  expect(command).toBe('create-env');
  expect(argv.slice(-3)).toEqual(['--tty', '--no-color', '--recreate']);
  expect(valuesOf(argv, '--state')).toEqual([environmentPaths('work').state]);
  expect(valuesOf(argv, '--vars-store')).toEqual([environmentPaths('work').credentials]);
  const manifest = parse(
    await interpolateText({
      manifestPath,
      opsFiles: valuesOf(argv, '--ops-file'),
      vars: {},
      varsFiles: valuesOf(argv, '--vars-file'),
    }),
  );
  expect(manifest).toMatchObject({
    name: 'work',
    mine: ['secret-1', 'secret-2'],
    resource_pools: [{ cloud_properties: { memory: 700 } }],
    releases: [{ url: expect.stringMatching(/^file:\/\/.*boshvirt-cpi\.tgz$/), sha1: expect.any(String) }],
  });
  expect(valuesOf(argv, '--ops-file')).toHaveLength(source.opsFiles.length);
});

test('delete-env.sh deletes by the same inputs', async () => {
  const { create, delete: remove } = await scripts();
  const [made, deleted] = [await runScript(create), await runScript(remove)];
  expect(deleted.argv).toEqual(['delete-env', ...made.argv.slice(1)]);
});

test('bosh has a HOME of its own, the CPI the user’s; settings for other directors are gone', async () => {
  const { create } = await scripts();
  const { env } = await runScript(create, [], {
    ...{ HOME: '/home/me', BOSH_ENVIRONMENT: 'elsewhere', BOSH_CLIENT_SECRET: 'x', no_proxy: 'a.test' },
  });
  expect(env).toContain(`HOME=${environmentPaths('work').work}`);
  expect(env).toContain('BOSHVIRT_HOME=/home/me');
  expect(env).toContain('no_proxy=a.test,192.168.77.10');
  expect(env.filter((line) => line.startsWith('BOSH_'))).toEqual([]);
});

test('no secret is in a script or in an argv, and all files are the user’s alone', async () => {
  const { create, delete: remove } = await scripts();
  const { argv } = await runScript(create);
  const texts = [await readFile(create, 'utf8'), await readFile(remove, 'utf8'), argv.join('\n')];
  for (const text of texts) expect(text).not.toContain('secret-');
  expect((await stat(create)).mode & 0o777).toBe(0o700);
  const inputs = join(dirname(create), 'create-env');
  for (const name of await readdir(inputs))
    expect((await stat(join(inputs, name))).mode & 0o077, name).toBe(0);
});

test('nothing is done while boshvirt works on the environment', async () => {
  const { create } = await scripts();
  await using _ = await takeLock(environmentPaths('work').lock, 0, 'a test');
  await expect(runScript(create)).rejects.toThrow('Somebody works on the environment: process');
});

test('who comes meanwhile is told of the script', async () => {
  const { create } = await scripts();
  const { lock } = environmentPaths('work');
  await writeFile(file('bosh'), `#!/bin/sh\ncat "$LOCK"\n`, { mode: 0o755 });
  const env = { BOSH_CLI: file('bosh'), LOCK: lock };
  const { stdout } = await run([create], { env, timeoutMs: 20_000 });
  expect(stdout).toMatch(/^process \d+ \(create-env\.sh\)$/);
});

test('a private host that does not run is told, with what starts it', async () => {
  const record = recordWith({ host: 'private' });
  const source = deploySource(record, { path: '/stemcell.tgz', sha1: 'abc' }, '/bin/boshvirt');
  const { work } = environmentPaths('work');
  await mkdir(work, { recursive: true });
  const { create } = await writeCreateEnvScripts(record, source, { workDir: work, log: silentLog });
  await expect(runScript(create)).rejects.toThrow('boshvirt recover work');
});

test('a bosh that is not there is told', async () => {
  const { create } = await scripts();
  await expect(run([create], { env: { BOSH_CLI: '/nowhere/bosh' }, timeoutMs: 20_000 })).rejects.toThrow(
    'There is no /nowhere/bosh',
  );
});
