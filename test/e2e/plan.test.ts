/** What up would do with a director, for somebody who has made nothing, by the real launcher. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/platform/package-root.ts';
import { hostTraces } from '../support/host-traces.ts';
import { newPerson, type Person } from '../support/person.ts';

let person: Person;
beforeAll(async () => {
  person = await newPerson();
});
afterAll(async () => await person?.[Symbol.asyncDispose]());

/** Runs plan and sees that it leaves no trace. */
async function planned(...words: string[]) {
  const before = await hostTraces(person.home);
  const outcome = await person.run(['plan', 'try', '--backend', 'qemu', ...words]);
  expect(await hostTraces(person.home)).toEqual(before);
  return outcome;
}

const fixture = [
  ...['--bosh-deployment', join(packageRoot(), 'test/fixtures/bosh-deployment')],
  ...['-v', 'releases_url=https://somebody:hidden@releases.test'],
];

test('lite has a route and names, and what is to be downloaded is told', async () => {
  const words = ['--profile', 'lite', '--workload-cidr', '10.77.0.0/16', '--domain', 'try.test', ...fixture];
  const { stdout, exitCode } = await planned(...words, '--json', '--exit-code');
  expect(exitCode).toBe(3);
  const { distance, objects, downloads, manifest } = JSON.parse(stdout);
  expect(distance).toBe('new');
  expect(objects).toContainEqual({
    kind: 'route',
    act: 'make',
    detail: expect.stringMatching(/^10\.77\.0\.0\/16 by 192\.168\.\d+\.10$/),
  });
  expect(objects).toContainEqual({ kind: 'names', act: 'make', detail: '*.try.test is 10.77.0.34' });
  expect(downloads.artifacts).toContainEqual({
    name: 'release bosh/1',
    url: 'https://releases.test/bosh-1.tgz',
    place: 'to be fetched',
  });
  const names = downloads.artifacts.map(({ name }: { name: string }) => name);
  expect(names).toContainEqual(expect.stringMatching(/^stemcell .*warden-boshlite/));
  expect(stdout).not.toContain('hidden');
  expect(manifest.planned).toContain('((admin_password))');
});

test('a director is served the CPI', async () => {
  const { stdout } = await planned('--profile', 'director', ...fixture);
  expect(stdout).toMatch(/^\+ CPI server +https:\/\/192\.168\.\d+\.1:6870$/m);
  expect(stdout).toMatch(/^\+ director +its configs and the stemcell of deployments$/m);
  expect(stdout).toMatch(/^The manifest is new: \d+ lines/m);
});

test('without bosh-deployment it says what it does not know yet', async () => {
  const { stdout } = await planned('--profile', 'lite');
  expect(stdout).toMatch(/^\+ bosh-deployment [0-9a-f]{8} +to be fetched$/m);
  expect(stdout).toContain('\nThe manifest is known once bosh-deployment is there.');
});

test('what does not go together is told before anything is fetched', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'plan-'));
  const ops = join(folder.path, 'ops.yml');
  const path = '/instance_groups/name=bosh/properties/warden_cpi/start_containers_with_systemd?';
  await writeFile(ops, JSON.stringify([{ type: 'replace', path, value: false }]));
  const refused = await planned('--profile', 'lite', ...fixture, '-o', ops);
  expect(refused).toMatchObject({ exitCode: 10, stdout: '', stderr: expect.stringContaining('systemd') });
});

test('what cannot be is refused as up would', async () => {
  const refused = await planned('--size', 'huge');
  expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
  const clash = await planned('--network', '127.0.0.0/24', '--uri', 'qemu:///nowhere');
  expect(clash.exitCode).toBe(40);
});
