/** A director whose deployments are VMs, by the real launcher, with stand-ins as in lite.test.ts: its CPI is served by this machine. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostTraces, hostTraces } from '../support/host-traces.ts';
import { type LiteSources, liteSources } from '../support/lite-sources.ts';
import { newPerson, type Person } from '../support/person.ts';

const small = ['--cpus', '1', '--memory', '256MiB', '--disk', '256MiB', '--ephemeral-disk', '512MiB'];
let sources: LiteSources;
let person: Person;
let before: HostTraces;

beforeAll(async () => {
  sources = await liteSources({ form: 'container' });
  person = await newPerson('lxc');
  before = await hostTraces(person.home);
});

afterAll(async () => {
  await person?.run(['down', '--yes'], { env: { PATH: sources.path } });
  await person?.[Symbol.asyncDispose]();
  await sources?.[Symbol.asyncDispose]();
});

const boshvirt = async (...args: string[]) => await person.run(args, { env: { PATH: sources.path } });
const state = async () => JSON.parse((await boshvirt('status', '--json')).stdout);

test('up serves the CPI to the director that it makes, and then has nothing to do', async () => {
  const up = await boshvirt(
    'up',
    '--profile',
    'director',
    '--backend',
    'lxc',
    ...sources.flags,
    ...small,
    '--yes',
  );
  expect(up).toMatchObject({
    exitCode: 0,
    stderr: expect.stringContaining('Serve the CPI to the director: done'),
  });
  expect(await state()).toMatchObject({ state: 'running', cpiServer: { state: 'running' } });
  expect((await boshvirt('status')).stdout).toMatch(/^cpi server +running at https:\/\/\S+:6870$/m);
  expect((await boshvirt('up')).stdout).toMatch(/^Nothing to do/);
});

test('a server that was killed is told of, and comes back by up and by recover, the director left alone', async () => {
  const { vm } = await state();
  for (const command of ['up', 'recover']) {
    const { cpiServer } = await state();
    process.kill(cpiServer.pid, 'SIGKILL');
    expect((await boshvirt('doctor')).stdout).toMatch(/^FAIL CPI server of default: down /m);
    const { exitCode, stderr } = await boshvirt(command);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const after = await state();
    expect(after).toMatchObject({ state: 'running', vm, cpiServer: { state: 'running' } });
    expect(after.cpiServer.pid).not.toBe(cpiServer.pid);
  }
  const lines = (await boshvirt('logs', '--source', 'cpi-server')).stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(['started', 'started', 'started']);
});

test('certificates that somebody deleted make the machine anew, which is said before its snapshots go', async () => {
  const { BOSHVIRT_VARS_STORE: path } = JSON.parse((await boshvirt('env', '--json')).stdout);
  const credentials = await readFile(path, 'utf8');
  await writeFile(path, credentials.replace('boshvirt_cpi_client_tls', 'not_its_name'));
  const planned = JSON.parse((await boshvirt('plan', '--json')).stdout);
  await writeFile(path, credentials);
  expect(planned.distance).toBe('remake');
});

test('down ends the server with all else', async () => {
  const { cpiServer } = await state();
  expect(await boshvirt('down', '--yes', '--purge')).toMatchObject({ exitCode: 0 });
  expect(() => process.kill(cpiServer.pid, 0)).toThrow('ESRCH');
  expect(await hostTraces(person.home)).toEqual(before);
});
