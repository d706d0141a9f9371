/** The commands of `boshvirt cf`, by the real launcher, as far as they go without a director. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { sizes } from '../../src/environment/up-settings.ts';
import { recordWith } from '../support/environment-record.ts';
import { type Launcher, launcherFor } from '../support/launcher.ts';

const fixture = join(import.meta.dirname, '..', 'fixtures', 'cf-deployment');
let home: string;
let person: Launcher;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'bv-'));
  person = launcherFor(home);
  const folder = join(home, '.local/share/boshvirt/envs/work');
  await mkdir(folder, { recursive: true });
  const workload = { cidr: '10.245.0.0/16', router: '10.245.0.34', domain: 'cf.work.test' };
  await writeFile(
    join(folder, 'env.yml'),
    stringify(recordWith({ profile: 'lite', resources: sizes.cf, workload })),
  );
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
  expect(stdout).toContain('-v system_domain=cf.work.test');
  expect(stdout).not.toContain('never-seen');
  const asJson = await person.run([...dryRun, '--json']);
  expect(JSON.parse(asJson.stdout)).toEqual({
    commands: expect.arrayContaining(['eval "$(boshvirt env work)"']),
  });
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
