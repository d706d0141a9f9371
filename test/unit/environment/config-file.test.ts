import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { requestFromFiles, withoutGaps } from '../../../src/environment/config-file.ts';
import { packageRoot } from '../../../src/platform/package-root.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'boshvirt-config-'));
  vi.stubEnv('HOME', home);
  vi.stubEnv('XDG_CONFIG_HOME', '');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(home, { recursive: true, force: true });
});

async function put(path: string, text: string): Promise<string> {
  const whole = join(home, path);
  await mkdir(dirname(whole), { recursive: true });
  await writeFile(whole, text);
  return whole;
}

/** Reads as somebody who stands in a folder below home; workers cannot change theirs. */
async function read(folder = 'project', environment = 'default', config?: string) {
  const there = join(home, folder);
  await mkdir(there, { recursive: true });
  vi.spyOn(process, 'cwd').mockReturnValue(there);
  return withoutGaps(await requestFromFiles(environment, config));
}

test('no file, nothing asked', async () => {
  expect(await read()).toEqual({});
});

test('the short form names the libvirt', async () => {
  await put(
    'project/boshvirt.yml',
    'cloud_provider: {template: libvirt, properties: {libvirt: {uri: "qemu+ssh://host/system"}}}',
  );
  expect(await read()).toEqual({ uri: 'qemu+ssh://host/system' });
});

test('the longer form says everything, per environment; paths lie beside the file', async () => {
  await put(
    'project/boshvirt.yml',
    `
version: 1
env:
  default:
    backend: auto
    profile: machine
    uri: qemu:///session
    size: dev
    stemcell: s.tgz
    resources: { cpus: 4, memory: 8GiB, disk: 64G, ephemeral: 512 }
    network: { cidr: 192.168.77.0/24, ip: auto }
    bosh: { engine: builtin, ops: [ops/a.yml], vars: { n: 1, yes: true }, varsFiles: [/v.yml] }
  other:
`,
  );
  expect(await read('project/deep/down')).toEqual({
    backend: 'auto',
    profile: 'machine',
    uri: 'qemu:///session',
    size: 'dev',
    stemcell: join(home, 'project/s.tgz'),
    cpus: 4,
    memoryMb: 8192,
    persistentDiskMb: 65_536,
    ephemeralDiskMb: 512,
    cidr: '192.168.77.0/24',
    engine: 'builtin',
    ops: [join(home, 'project/ops/a.yml')],
    varsFiles: ['/v.yml'],
    vars: { n: 1, yes: true },
  });
  expect(await read('project', 'other')).toEqual({});
  expect(await read('project', 'unnamed')).toEqual({});
});

test("the project's word counts more than the user's, its silence does not", async () => {
  await put('.config/boshvirt/config.yaml', 'env: {default: {size: dev, resources: {cpus: 2}}}');
  await put('project/boshvirt.json', '{"env": {"default": {"resources": {"cpus": 3}}}}');
  expect(await read()).toEqual({ size: 'dev', cpus: 3 });
});

test('a named file stands for the one found', async () => {
  await put('project/boshvirt.yml', 'env: {default: {size: dev}}');
  const named = await put('elsewhere/mine.yaml', 'env: {default: {size: cf}}');
  expect(await read('project', 'default', named)).toEqual({ size: 'cf' });
});

test.each([
  ['env: {default: {memroy: 1}}', 'unknown key env.default.memroy', 'did you mean memory?'],
  ['enf: {}', 'unknown key enf', 'did you mean env?'],
  ['env: {default: {network: {cdir: x}}}', 'unknown key env.default.network.cdir', 'did you mean cidr?'],
  [
    'env: {default: {resources: {cpus: four}}}',
    'env.default.resources.cpus: Invalid input: expected number',
    '',
  ],
  ['env: {default: {resources: {cpus: 0}}}', 'env.default.resources.cpus: Too small', ''],
  ['env: {default: {size: huge}}', 'env.default.size: Invalid option', ''],
  ['env: {default: {resources: {memory: lots}}}', "'lots' is not a size", ''],
  ['version: 2', 'version: Invalid input: expected 1', ''],
  ['just text', 'the whole: Invalid input: expected object', ''],
  ['cloud_provider: {template: vsphere}', 'cloud_provider.template: Invalid input: expected "libvirt"', ''],
])('%s is refused, naming file and key', async (text, message, hint) => {
  const path = await put('project/boshvirt.yml', text);
  const error = await read().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) });
  expect(error).toMatchObject({ message: expect.stringContaining(path) });
  if (hint) expect(error).toMatchObject({ hints: expect.arrayContaining([hint]) });
});

test('what is no YAML, or not there, is told', async () => {
  await put('project/boshvirt.yml', 'a: [');
  await expect(read()).rejects.toMatchObject({ code: 'USAGE' });
  await expect(read('project', 'default', join(home, 'nope.yml'))).rejects.toThrow('there is no such file');
});

test('code is never run', async () => {
  const path = await put('project/boshvirt.js', `globalThis.boshvirtRan = true; export default {}`);
  await put('project/boshvirt.config.js', `globalThis.boshvirtRan = true; export default {}`);
  expect(await read()).toEqual({});
  await expect(read('project', 'default', path)).rejects.toThrow('YAML or JSON');
  expect(globalThis).not.toHaveProperty('boshvirtRan');
});

test('the examples of docs/configuration.md are understood', async () => {
  const text = await readFile(join(packageRoot(), 'docs/configuration.md'), 'utf8');
  const [short = '', long = ''] = [...text.matchAll(/```yaml\n(.*?)```/gs)].map((match) => match[1]);
  await put('project/boshvirt.yml', short);
  expect(await read()).toEqual({ uri: 'qemu:///system' });
  await put('project/boshvirt.yml', long);
  expect(await read()).toMatchObject({ memoryMb: 8192, persistentDiskMb: 65_536, ip: '192.168.77.10' });
});
