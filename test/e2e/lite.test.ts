/**
 * BOSH Lite by the real launcher, for somebody with an empty home folder, without internet: a tree in the shape of
 * bosh-deployment, releases from a local server, a stand-in for the bosh CLI and a stand-in director in a real container.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  await person?.[Symbol.asyncDispose]();
  await sources?.[Symbol.asyncDispose]();
});

const boshvirt = async (...args: string[]) => await person.run(args, { env: { PATH: sources.path } });
const state = async () => JSON.parse((await boshvirt('status', '--json')).stdout);
const bosh = async (...words: string[]) => await boshvirt('exec', '--', 'bosh', ...words);
const upFlags = () => ['up', '--profile', 'lite', '--backend', 'lxc', ...sources.flags, ...small, '--yes'];

test('the built-in engine is refused before anything is made: it renders no releases', async () => {
  const refused = await boshvirt(...upFlags(), '--engine', 'builtin');
  expect(refused).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('profile lite') });
  expect(await hostTraces(person.home)).toEqual(before);
});

test('killed while it fetches and while the director gets its configs, up goes on, to all that a deployment needs', async () => {
  for (const moment of ['Start the private libvirt host', 'Give the director its configs']) {
    const up = person.start(upFlags(), { env: { PATH: sources.path } });
    await up.shows(moment);
    up.signalAlone('SIGKILL');
    expect((await up.ended).exitCode).toBe(137);
  }
  const { vm } = await state();
  const up = await boshvirt('up');
  expect(up).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Environment 'default' is up") });
  expect(await state()).toMatchObject({ state: 'running', profile: 'lite', engine: 'bosh-cli', vm });
  // each once, though up ran three times; the older of two pins is not used
  expect([...sources.requests].sort()).toEqual(
    [
      'bosh-1',
      'bosh-dns-1',
      'bosh-warden-cpi-1',
      'bpm-1',
      'credhub-1',
      'garden-runc-1',
      'os-conf-2',
      'uaa-1',
    ].map((name) => `/${name}.tgz`),
  );
});

test('a second up has nothing to do', async () => {
  const { stdout, stderr, exitCode } = await boshvirt('up');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^Nothing to do: environment 'default' is up/);
});

test('plan says the same, and of more processors what they would change', async () => {
  const same = JSON.parse((await boshvirt('plan', '--json', '--exit-code')).stdout);
  expect(same).toMatchObject({ distance: 'none', manifest: { diff: '', variables: [] } });
  const acts = same.objects.map(({ act }: { act: string }) => act);
  expect(acts).toEqual(acts.map(() => 'keep'));
  const places = same.downloads.artifacts.map(({ place }: { place: string }) => place);
  expect(places).not.toContain('to be fetched');
  expect(places).toContain('in the cache');
  const { stdout, exitCode } = await boshvirt('plan', '--cpus', '2', '--exit-code');
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/^~ machine +make anew: /m);
  expect(stdout).toMatch(/^~ director +its configs/m);
  expect(stdout).toMatch(/^-\s+cpus: 1\n\+\s+cpus: 2$/m);
});

test('exec reaches the director, which has configs, DNS and the stemcell of deployments', async () => {
  expect((await bosh('env')).stdout).toMatch(/^default\t/);
  expect((await bosh('configs')).stdout).toBe('1*\tcloud\tdefault\n2*\truntime\tdns\n');
  expect((await bosh('config', '1')).stdout).toContain('range: 10.244.0.0/20');
  expect((await bosh('config', '2')).stdout).not.toContain('url:');
  expect((await bosh('releases')).stdout).toMatch(/^bosh-dns\t/);
  expect((await bosh('stemcells')).stdout).toMatch(/^boshvirt-warden-boshlite-probe\t/);
  expect((await boshvirt('exec', '--', 'sh', '-c', 'exit 7')).exitCode).toBe(7);
  expect((await boshvirt('exec')).exitCode).toBe(2);
});

test('what env prints logs bosh in', async () => {
  const { stdout: variables } = await boshvirt('env');
  const words = [
    'exec',
    '--',
    'sh',
    '-c',
    'unset BOSH_CLIENT_SECRET; eval "$1"; exec bosh configs',
    'sh',
    variables,
  ];
  expect((await boshvirt(...words)).stdout).toContain('cloud');
  expect((await boshvirt('env', '--unset')).stdout).toContain('unset BOSH_CLIENT_SECRET');
});

test('logs tell what the director says', async () => {
  expect((await boshvirt('logs', '--source', 'director')).stdout).toContain('answers at 0.0.0.0 port 25555');
});

test('ssh logs in as jumpbox, who may do everything', async () => {
  expect(await person.inGuest('whoami; sudo whoami')).toBe('jumpbox\nroot\n');
});

test('the host leads to the containers, and the network knows their names', async () => {
  const network = (await boshvirt('render', 'network-xml')).stdout;
  const { ip } = await state();
  expect(network).toMatch(new RegExp(`<route [^>]*address=.10\\.244\\.0\\.0.[^>]* gateway=.${ip}.`));
  expect(network).toContain('address=/bosh.test/10.244.0.34');
});

test('programs that exec runs know the names that lead to the containers', async () => {
  const found = await boshvirt('exec', '--', 'getent', 'ahostsv4', 'any.app.bosh.test');
  expect(found.stdout).toMatch(/^10\.244\.0\.34 /);
});

test('Cloud Foundry is refused where it has no room, and to take away one that is not there is no fault', async () => {
  const up = await boshvirt('cf', 'up', '--yes');
  expect(up).toMatchObject({ exitCode: 20, stderr: expect.stringContaining('256 MiB of 8 GiB memory') });
  const down = await boshvirt('cf', 'down', '--yes');
  expect(down).toMatchObject({ exitCode: 0, stdout: "Cloud Foundry in 'default' is gone.\n" });
  // the stand-in has no UAA to ask for a password
  expect(await boshvirt('cf', 'login')).toMatchObject({
    exitCode: 75,
    stderr: expect.stringContaining(':8443'),
  });
});

test('a config that somebody changed stays when boshvirt has another one, and they are told', async () => {
  const mine = join(sources.folder, 'mine.yml');
  await writeFile(mine, 'azs: [{name: mine}]\n');
  expect((await bosh('update-config', '--type=cloud', '--name=default', mine)).exitCode).toBe(0);
  // more processors: more workers that compile, in a machine that is made anew around its disk
  const { vm, disks } = await state();
  const up = await boshvirt('up', '--cpus', '2');
  expect(up).toMatchObject({
    exitCode: 0,
    stderr: expect.stringMatching(/cloud-config 'default' .* was changed/),
  });
  const after = await state();
  expect(after).toMatchObject({ state: 'running', disks });
  expect(after.vm).not.toBe(vm);
  expect((await bosh('config', '3')).stdout).toContain('name: mine');
  expect((await bosh('configs')).stdout).toBe('2*\truntime\tdns\n3*\tcloud\tdefault\n');
  expect((await boshvirt('up')).stdout).toMatch(/^Nothing to do/);
});

test('a second machine without internet comes up out of a bundle', async () => {
  const bundle = join(sources.folder, 'default.tar');
  expect(await boshvirt('bundle', 'create', '--out', bundle, '--offline')).toMatchObject({ exitCode: 0 });
  await sources.stopServing();
  await using other = await newPerson('lxc');
  const offline = ['--offline', '--workload-cidr', '10.250.0.0/16'];
  const there = async (...args: string[]) => await other.run(args, { env: { PATH: sources.path } });
  const refused = await there(...upFlags(), ...offline);
  expect(refused).toMatchObject({ exitCode: 32, stderr: expect.stringContaining('release uaa/1') });
  expect((await there('bundle', 'import', bundle)).exitCode).toBe(0);
  expect((await there(...upFlags(), ...offline)).exitCode).toBe(0);
  const config = await there('exec', '--', 'bosh', 'config', '1');
  expect(config.stdout).toContain('range: 10.250.0.0/20');
  expect((await there('down', '--yes')).exitCode).toBe(0);
});

test('down leaves nothing', async () => {
  expect(await boshvirt('down', '--yes', '--purge')).toMatchObject({ exitCode: 0 });
  expect(await hostTraces(person.home)).toEqual(before);
});
