/** `boshvirt cpi verify` as people type it, on CPIs that make nothing. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/platform/package-root.ts';
import { sequences } from '../../src/verify/sequences/index.ts';
import { launcherFor } from '../support/launcher.ts';
import { tgz } from '../unit/cpi/stemcell/images.ts';

let folder: string;
let verify: (...args: string[]) => ReturnType<ReturnType<typeof launcherFor>['run']>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verify-'));
  const launcher = launcherFor(folder);
  verify = async (...args) => await launcher.run(['cpi', 'verify', ...args]);
  await launcher.run(['--version']); // brings a checkout's build up to date
  const addresses = '[10.0.0.20-10.0.0.40]';
  await writeFile(join(folder, 'networks.yml'), `networks: [{name: default, addresses: ${addresses}}]`);
  const manifest = Buffer.from('{"stemcell_formats": ["openstack-raw"], "api_version": 3}');
  const members = [
    { name: 'stemcell.MF', content: manifest },
    { name: 'image', content: Buffer.from('nothing') },
  ];
  await writeFile(join(folder, 'stemcell.tgz'), await tgz(...members));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function executable(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

const given = ['--stemcell', 'stemcell.tgz', '--networks', 'networks.yml'];

test('it lists its clauses', async () => {
  const { stdout, exitCode } = await verify('--list', '--json');
  const listed = JSON.parse(stdout) as { id: string }[];
  expect(listed.map(({ id }) => id)).toEqual(sequences.flatMap(({ clauses }) => clauses.map(({ id }) => id)));
  expect(exitCode).toBe(0);
  const people = await verify('--list', '--only', 'snapshots.take');
  expect(people.stdout).toMatch(/^vms\.create\n {4}Two VMs .*^snapshots\.take\n {4}snapshot_disk works/ms);
});

test("an executable that keeps what it is asked for: boshvirt's own CPI, where no libvirt is", async () => {
  const launcher = join(packageRoot(), 'bin/boshvirt');
  const cpi = await executable('cpi', `exec ${launcher} cpi`);
  const { stdout, stderr, exitCode } = await verify('--cpi', cpi, ...given, '--only', 'calls', '--json');
  const { failed, skipped, clauses } = JSON.parse(stdout);
  expect([exitCode, failed, skipped], stdout + stderr).toEqual([0, 0, 1]);
  expect(clauses.find(({ outcome }: { outcome: string }) => outcome === 'skipped')).toMatchObject({
    id: 'calls.hypervisor-down',
    reason: 'boshvirt does not know how to put the hypervisor of this CPI out of reach',
  });
});

test('an executable that says yes to all is told of, with the exit status 51 and a report for CI', async () => {
  const cpi = await executable('yes', `cat >/dev/null; echo '{"result":null,"error":null,"log":""}'`);
  const { stdout, stderr, exitCode } = await verify(
    '--cpi',
    cpi,
    ...given,
    '--only',
    'calls',
    '--junit',
    'r.xml',
  );
  expect([exitCode, stdout], stderr).toEqual([51, expect.stringContaining('[calls.unknown-method]')]);
  expect(stdout).toMatch(/^\nCalls that need nothing\n {2}FAIL info tells/);
  expect(stdout).toContain('expected  no_such_method to answer an error\n');
  expect(stdout).toMatch(/\n7 clauses: \d hold, [4-6] do not, \d skipped\n$/);
  expect(await readFile(join(folder, 'r.xml'), 'utf8')).toMatch(/<failure message="expected no_such_method/);
});

test('an executable that is not there is no clause that fails', async () => {
  const { stderr, exitCode } = await verify('--cpi', './none', ...given, '--only', 'calls');
  expect([exitCode, stderr]).toEqual([10, expect.stringContaining('none is not installed')]);
});

test('Ctrl-C takes away what was made, environment and all', async () => {
  const temporary = join(folder, 't');
  await mkdir(temporary);
  const home = process.env.HOME ?? folder; // a stemcell that was built before need not be built again
  const running = launcherFor(home).start(['cpi', 'verify', '--only', 'vms.awake'], {
    env: { TMPDIR: temporary },
  });
  await running.shows('Make ready: done');
  running.signal('SIGINT');
  const { exitCode, stderr } = await running.ended;
  expect([exitCode, stderr]).toEqual([130, expect.stringContaining('interrupted by SIGINT')]);
  expect(await readdir(temporary)).toEqual([]);
});

test.each([
  [['--only', 'snapshot'], 'did you mean snapshots?'],
  [['--cpi', 'cpi'], 'both --stemcell and --networks are needed'],
  [['--cpi', 'cpi', '--backend', 'qemu'], '--cpi'],
  [['--cpi', 'cpi', '--stemcell', 'none.tgz', '--networks', 'networks.yml'], 'none.tgz cannot be used'],
  [['--cpi', 'cpi', '--stemcell', 'stemcell.tgz', '--networks', 'none.yml'], 'there is no such file'],
  [['--networks', 'networks.yml'], '--cpi'],
  [['--junit', 'nowhere/r.xml'], 'The report cannot be written'],
])('%j is refused', async (args, why) => {
  const { stdout, stderr, exitCode } = await verify(...args);
  expect([exitCode, stdout, stderr]).toEqual([2, '', expect.stringContaining(why)]);
});
