/** What boshvirt would hand over for an environment that nobody has made, by the real launcher. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { isThere } from '../../src/platform/files.ts';
import { packageRoot } from '../../src/platform/package-root.ts';
import { hostTraces } from '../support/host-traces.ts';
import { newPerson, type Person } from '../support/person.ts';

const boshDeployment = join(packageRoot(), 'test/fixtures/bosh-deployment');

let person: Person;
beforeAll(async () => {
  person = await newPerson();
});
afterAll(async () => await person?.[Symbol.asyncDispose]());

async function rendered(...words: string[]): Promise<string> {
  const before = await hostTraces(person.home);
  const flags = ['--backend', 'qemu', '--bosh-deployment', boshDeployment];
  const { stdout, stderr, exitCode } = await person.run(['render', ...words, ...flags]);
  expect(exitCode, stderr).toBe(0);
  expect(await hostTraces(person.home)).toEqual(before);
  expect(await isThere(join(person.envs, 'try'))).toBe(false);
  return stdout;
}

test('the manifest of a lite environment, with what is asked for in it', async () => {
  const text = await rendered('try', 'manifest', '--profile', 'lite', '--memory', '6GiB', '-v', 'mine=1');
  const { instance_groups: groups, resource_pools: pools } = parse(text);
  expect(groups[0].properties.director).toMatchObject({ name: 'try', cpi_job: 'warden_cpi' });
  expect(pools[0].cloud_properties).toMatchObject({ memory: 6144 });
  expect(text).toContain('((admin_password))');
});

test("a director's configs, filled in", async () => {
  const cloud = parse(
    await rendered('try', 'cloud-config', '--profile', 'lite', '--workload-cidr', '10.77.0.0/16'),
  );
  expect(cloud.networks[0].subnets[0].range).toBe('10.77.0.0/20');
  const runtime = parse(await rendered('runtime-config', 'try', '--profile', 'director'));
  const [gateway] = runtime.addons[1].jobs[0].properties.recursors;
  expect(gateway).toMatch(/^192\.168\.\d+\.1$/);
});

test.each([
  [['try', 'cloud-config', '--profile', 'machine'], 2, 'is a machine without a director'],
  [['try', 'command'], 70, 'There is no environment'],
  [
    ['try', 'manifest', '--profile', 'lite', '--bosh-deployment', '/nowhere'],
    2,
    'no folder of bosh-deployment',
  ],
])('render %j gives %i', async (words, status, message) => {
  const { stdout, stderr, exitCode } = await person.run(['render', ...words]);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
  expect(exitCode).toBe(status);
});
