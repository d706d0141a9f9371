/** The commands of `boshvirt cf`, by the real launcher, as far as they go without a director. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { sizes } from '../../src/environment/up-settings.ts';
import { run } from '../../src/platform/process.ts';
import { recordWith } from '../support/environment-record.ts';
import { type Launcher, launcherFor } from '../support/launcher.ts';
import { client, makePlace, type Place, startServices } from '../support/stand-ins/services.ts';

const fixture = join(import.meta.dirname, '..', 'fixtures', 'cf-deployment');
let home: string;
let person: Launcher;
let place: Place;
let credentials: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bv-'));
  person = launcherFor(home);
  const folder = join(home, '.local/share/boshvirt/envs/work');
  await mkdir(folder, { recursive: true });
  place = await makePlace();
  const workload = { cidr: '10.245.0.0/16', router: '10.245.0.34', domain: 'sys.cf.test' };
  const network = { ...recordWith().network, ip: place.ip };
  const record = recordWith({ profile: 'lite', resources: sizes.cf, workload, network });
  await writeFile(join(folder, 'env.yml'), stringify(record));
  credentials = join(folder, 'creds.yml');
});
afterAll(() => rm(home, { recursive: true, force: true }));

const dryRun = [
  'cf',
  'up',
  'work',
  '--dry-run',
  '--cf-deployment',
  fixture,
  '-v',
  'smtp_password=never-seen',
];

test('a dry run prints commands on stdout and nothing else, and no secret', async () => {
  const { stdout, exitCode } = await person.run(dryRun);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^# 2 releases are compiled/);
  expect(stdout).toContain('eval "$(boshvirt env work)"\n');
  expect(stdout).toContain(`bosh -d cf deploy ${fixture}/cf-deployment.yml \\\n`);
  expect(stdout).toContain('-v system_domain=sys.cf.test');
  expect(stdout).not.toContain('never-seen');
  const asJson = await person.run([...dryRun, '--json']);
  expect(JSON.parse(asJson.stdout)).toEqual({
    commands: expect.arrayContaining(['eval "$(boshvirt env work)"']),
  });
});

test('the lock file lies beside the configuration that is named, as for up', async () => {
  const { stderr, exitCode } = await person.run(['cf', 'up', 'work', '--config', '/nowhere/boshvirt.yml']);
  expect(stderr).toContain('/nowhere/boshvirt.yml');
  expect(exitCode).toBe(2);
});

test('nobody deletes Cloud Foundry without being asked', async () => {
  const { stderr, exitCode } = await person.run(['cf', 'down', 'work']);
  expect(stderr).toContain('--yes');
  expect(exitCode).toBe(2);
});

test('variables can be taken away without a director', async () => {
  const { stdout, exitCode } = await person.run(['cf', 'env', 'work', '--unset']);
  expect(stdout).toBe('unset CF_API\nunset CF_USERNAME\nunset CF_PASSWORD\n');
  expect(exitCode).toBe(0);
});

test('a director whose credentials are gone is told of', async () => {
  const { stderr, exitCode } = await person.run(['cf', 'login', 'work']);
  expect(stderr).toContain('creds.yml');
  expect(exitCode).toBe(72);
});

/** The director's UAA and CredHub, with the password of a Cloud Foundry's administrator. */
async function withPassword(): Promise<AsyncDisposable> {
  const services = await startServices(place, { values: { '/lite/cf/cf_admin_password': "it's secret" } });
  const ca = { ca: services.ca };
  const secrets = { admin_password: 'p', director_ssl: ca, uaa_ssl: ca, credhub_tls: ca };
  await writeFile(credentials, stringify({ ...secrets, credhub_admin_client_secret: client.secret }));
  return {
    async [Symbol.asyncDispose]() {
      await services[Symbol.asyncDispose]();
      await rm(credentials);
    },
  };
}

test('a shell that reads the variables has them, whatever is in the password', async () => {
  await using _ = await withPassword();
  const { stdout } = await person.run(['cf', 'env', 'work']);
  const script = `${stdout}\nprintf '%s\\n' "$CF_API" "$CF_USERNAME" "$CF_PASSWORD"`;
  const shell = await run(['sh', '-eu', '-c', script], { timeoutMs: 20_000 });
  expect(shell.stdout).toBe("https://api.sys.cf.test\nadmin\nit's secret\n");
  const asJson = await person.run(['cf', 'env', 'work', '--json']);
  expect(JSON.parse(asJson.stdout)).toMatchObject({ CF_USERNAME: 'admin', CF_PASSWORD: "it's secret" });
});

test('the cf CLI is logged in without the password on any line', async () => {
  await using _ = await withPassword();
  const bin = join(home, 'bin');
  await mkdir(bin, { recursive: true });
  const programs = {
    cf: 'echo "$@" >> "$0.words"; [ "$1" = api ] || echo "$CF_PASSWORD" > "$0.password"',
    getent: 'echo "10.245.0.34 STREAM"',
  };
  for (const [name, text] of Object.entries(programs))
    await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const { stdout, stderr, exitCode } = await person.run(['cf', 'login', 'work', '--debug'], { env });
  expect(exitCode).toBe(0);
  expect(stdout + stderr).not.toContain("it's secret");
  expect(await readFile(join(bin, 'cf.words'), 'utf8')).toBe(
    'api https://api.sys.cf.test --skip-ssl-validation\nauth\n',
  );
  expect(await readFile(join(bin, 'cf.password'), 'utf8')).toBe("it's secret\n");
});
