/** What people get wrong, by the real launcher: a clear word, a status to tell it by, and nothing half-made left over. */
import { access, chown, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';
import { type HostTraces, hostTraces } from '../support/host-traces.ts';
import { launcherFor } from '../support/launcher.ts';
import { startLibvirtd } from '../support/libvirtd.ts';
import { newPerson, type Person } from '../support/person.ts';

let person: Person;
let before: HostTraces;

beforeAll(async () => {
  person = await newPerson();
});

afterAll(async () => {
  await person?.[Symbol.asyncDispose]();
});

async function refused(args: readonly string[], env: Record<string, string> = {}) {
  before = await hostTraces(person.home);
  const { stdout, stderr, exitCode } = await person.run(args, { env });
  expect(stdout).toBe('');
  expect(stderr).not.toContain('bug in boshvirt');
  expect(await hostTraces(person.home)).toEqual(before);
  return { exitCode, stderr };
}

describe('refused before anything is made', () => {
  test.each([
    [['hlep'], 2, 'did you mean: boshvirt help'],
    [['destroy'], 2, 'did you mean: boshvirt down'],
    [['snapshot', 'restor'], 2, 'did you mean: boshvirt snapshot restore'],
    [['up', '--profil', 'machine'], 2, 'did you mean --profile?'],
    [['up', '--cpus', 'many'], 2, '--cpus'],
    [['up', 'one', 'two'], 2, 'Unexpected argument: two'],
    [['up', 'Bad_Name'], 2, "'Bad_Name' cannot be the name"],
    [['up', '--memory', 'lots'], 2, "--memory: 'lots' is not a size"],
    [['up', '--network', '10.0.0.5/24'], 2, 'did you mean 10.0.0.0/24?'],
    [['up', '--network', '10.0.0.0/24', '--ip', '10.0.1.9'], 2, '10.0.1.9 is not in 10.0.0.0/24'],
    [['up', '-o', 'nope.yml'], 2, 'nope.yml cannot be read: there is no such file'],
    [['up', '-l', 'nope.yml'], 2, 'nope.yml cannot be read: there is no such file'],
    [['up', '-v', 'novalue'], 2, 'name=value'],
    [['up', '--config', 'nope.yml'], 2, 'nope.yml cannot be read: there is no such file'],
    [['up', '--stemcell', 'nope.tgz'], 2, 'there is no such file'],
    [['up', '--workload-stemcell', 'nope.tgz'], 2, 'there is no such file'],
    [['up', '--profile', 'heavy'], 12, "no profile 'heavy'"],
    [['up', '--backend', 'vmware'], 12, "no backend 'vmware'"],
    [['up', '--uri', 'vbox:///session'], 12, "'vbox'"],
    [['up', '--memory', '100TiB'], 20, 'this host has'],
    [['up', '--uri', 'qemu:///system?socket=/nowhere'], 40, '/nowhere'],
    [['status', 'nosuch'], 70, "no environment 'nosuch'"],
    [['down', 'nosuch', '--yes'], 70, "no environment 'nosuch'"],
    [['ssh', 'nosuch'], 70, "no environment 'nosuch'"],
    [['ssh', 'work', 'uname'], 2, 'boshvirt ssh work -- uname'],
    [['render', 'work', 'everything'], 2, 'boshvirt render [ENV] manifest|ops'],
    [['snapshot', 'create', 'nosuch'], 70, "no environment 'nosuch'"],
    [['logs', 'nosuch'], 70, "no environment 'nosuch'"],
    [['cf', 'up', 'nosuch'], 70, "no environment 'nosuch'"],
    [['cf', 'down', 'nosuch', '--yes'], 70, "no environment 'nosuch'"],
    [['cf', 'login', 'nosuch'], 70, "no environment 'nosuch'"],
    [['cf', 'env', 'nosuch'], 70, "no environment 'nosuch'"],
  ])('%j gives %d', async (args, status, message) => {
    const { exitCode, stderr } = await refused(args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(status);
  });

  test('variables of an environment that is gone can be taken away all the same', async () => {
    const { stdout, exitCode } = await person.run(['env', 'nosuch', '--unset']);
    expect(stdout).toContain('unset BOSHVIRT_ENV\n');
    expect(exitCode).toBe(0);
  });

  test('with --json the error is a document', async () => {
    const { stdout, stderr, exitCode } = await person.run(['up', '--profile', 'heavy', '--json']);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'UNSUPPORTED',
        message: "This version has no profile 'heavy'",
        hints: ['it has: lite, director, machine'],
        exit: 12,
      },
    });
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 12 });
  });

  test('BOSHVIRT_ variables are read as flags are', async () => {
    expect(await refused(['up'], { BOSHVIRT_PROFILE: 'heavy' })).toMatchObject({ exitCode: 12 });
    expect(await refused(['status'], { BOSHVIRT_ENV: 'nosuch' })).toMatchObject({
      exitCode: 70,
      stderr: expect.stringContaining("'nosuch'"),
    });
  });

  test('a file where a folder is needed is told', async () => {
    const { exitCode, stderr } = await refused(['up'], { XDG_DATA_HOME: '/dev/null/data' });
    expect(stderr).toContain('/dev/null/data');
    expect(exitCode).toBe(11);
  });

  test('an unknown key in the configuration is told, with file and guess', async () => {
    const path = join(person.home, 'boshvirt.yml');
    await writeFile(path, 'env: {default: {resources: {memroy: 1GiB}}}');
    const { exitCode, stderr } = await refused(['up']);
    expect(stderr).toContain(`${path}: unknown key env.default.resources.memroy`);
    expect(stderr).toContain('did you mean memory?');
    expect(exitCode).toBe(2);
    await writeFile(path, '');
  });

  test.each([
    ['not a stemcell', async () => await readFile('/etc/passwd')],
    ['cut off', async () => (await readFile(await stemcell())).subarray(0, 5_000_000)],
    ['empty', async () => Buffer.alloc(0)],
  ])('a stemcell file that is %s is told', async (name, content) => {
    const path = join(person.home, `${name}.tgz`);
    await writeFile(path, await content());
    const { exitCode, stderr } = await refused(['up', '--profile', 'machine', '--stemcell', path]);
    expect(stderr).toContain(`The stemcell ${path} cannot be used`);
    expect(exitCode).toBe(2);
  });
});

/** Built once; by the command, which says where it is. */
async function stemcell(): Promise<string> {
  return JSON.parse((await person.run(['stemcell', 'build', '--json'])).stdout).path;
}

describe('ranges', () => {
  afterEach(async () => {
    for (const name of ['one', 'two']) await person.run(['down', name, '--yes', '--purge']);
  });

  /** Decided, but not made: enough to hold its range. */
  async function begin(...args: string[]) {
    const up = person.start(['up', ...args, '--profile', 'machine', '--yes']);
    await up.shows('Create the machine ...');
    up.signal('SIGINT');
    expect((await up.ended).exitCode).toBe(130);
  }

  test("another environment's range is refused, and a free one is picked", async () => {
    await begin('one');
    const { network } = JSON.parse((await person.run(['status', 'one', '--json'])).stdout);
    const wider = network.replace(/\d+\.0\/24$/, '0.0/16');
    for (const range of [network, wider]) {
      const { exitCode, stderr } = await refused(['up', 'two', '--network', range]);
      expect(stderr).toContain(`clashes with ${network} of environment 'one'`);
      expect(exitCode).toBe(23);
    }
    await begin('two');
    const second = JSON.parse((await person.run(['status', 'two', '--json'])).stdout);
    expect(second.network).not.toBe(network);
  });

  test('two that come at once get a range each, and two that go at once take the private host with them', async () => {
    const bare = await hostTraces(person.home);
    await stemcell();
    await Promise.all([begin('one'), begin('two')]);
    const downs = ['one', 'two'].map((name) => person.run(['down', name, '--yes', '--purge']));
    for (const { exitCode } of await Promise.all(downs)) expect(exitCode).toBe(0);
    expect(await hostTraces(person.home)).toEqual(bare);
  });

  test("a range that is the machine's own is refused on a libvirt that shares its network", async () => {
    await using libvirtd = await startLibvirtd();
    const { stdout } = await run(['ip', '-json', '-4', 'route', 'show', 'table', 'local']);
    const [address = ''] = JSON.parse(stdout).map((route: { dst: string }) => route.dst);
    const around = `${address.split('.').slice(0, 3).join('.')}.0/24`;
    const { exitCode, stderr } = await refused(['up', '--uri', libvirtd.uri, '--network', around]);
    expect({ stderr, exitCode }).toMatchObject({
      stderr: expect.stringContaining('of this machine'),
      exitCode: 23,
    });
  });
});

test("an environment of somebody else's of the same name is left alone", async () => {
  await using libvirtd = await startLibvirtd();
  const virsh = async (...argv: string[]) =>
    (await run(['virsh', '-q', '-c', libvirtd.uri, ...argv] as [string, ...string[]])).stdout.trim();
  await virsh('pool-define-as', 'boshvirt-default', 'dir', '--target', '/var/lib/libvirt/boshvirt-default');
  before = await hostTraces(person.home);
  const { exitCode, stderr } = await person.run(['up', '--uri', libvirtd.uri, '--yes']);
  expect(stderr).toContain("has an environment 'default' already, which may be somebody else's");
  expect(exitCode).toBe(2);
  expect((await person.run(['down', '--yes'])).stderr).toContain("no environment 'default'");
  expect(await virsh('pool-list', '--all', '--name')).toBe('boshvirt-default');
  expect(await hostTraces(person.home)).toEqual(before);
});

test('down does without an ops-file that is gone', async () => {
  await stemcell();
  before = await hostTraces(person.home);
  const opsFile = join(person.home, 'ops.yml');
  await writeFile(opsFile, '[]');
  const up = person.start(['up', '--profile', 'machine', '--engine', 'builtin', '-o', opsFile, '--yes']);
  await up.shows('creating the VM');
  up.signal('SIGINT');
  expect((await up.ended).exitCode).toBe(130);
  await rm(opsFile);
  const { exitCode, stderr } = await person.run(['down', '--yes', '--purge']);
  expect(stderr).toContain(`The ops-file ${opsFile} cannot be read: there is no such file`);
  expect(exitCode).toBe(0);
  expect(await hostTraces(person.home)).toEqual(before);
});

test("a range that turns out to be another interface's is told, and down leaves nothing", async () => {
  await using libvirtd = await startLibvirtd();
  const inside = (...argv: string[]) => run(['nsenter', '--net', '-t', String(libvirtd.pid), 'ip', ...argv]);
  await inside('link', 'add', 'vpn0', 'type', 'bridge');
  await inside('address', 'add', '10.222.7.1/24', 'dev', 'vpn0');
  await inside('link', 'set', 'vpn0', 'up');
  const asked = ['--uri', libvirtd.uri, '--network', '10.222.7.0/24', '--stemcell', await stemcell()];
  before = await hostTraces(person.home);
  const { exitCode, stderr } = await person.run(['up', ...asked, '--profile', 'machine', '--yes']);
  expect(stderr).toContain('already in use by interface vpn0');
  expect(exitCode).toBe(23);
  expect((await person.run(['down', '--yes', '--purge'])).exitCode).toBe(0);
  expect(await hostTraces(person.home)).toEqual(before);
  for (const list of ['net-list', 'pool-list', 'list'])
    expect((await run(['virsh', '-c', libvirtd.uri, list, '--all', '--name'])).stdout.trim()).toBe('');
});

test('a pool without space is told as such, and down leaves nothing', async () => {
  await stemcell();
  before = await hostTraces(person.home);
  const small = join(person.home, '.local/share');
  await mkdir(small, { recursive: true });
  await run(['mount', '-t', 'tmpfs', '-o', 'size=60m', 'boshvirt-test', small]);
  try {
    const { exitCode, stderr } = await person.run(['up', '--profile', 'machine', '--yes']);
    expect(stderr).toMatch(/space/);
    expect(exitCode).toBe(20);
    expect((await person.run(['down', '--yes', '--purge'])).exitCode).toBe(0);
  } finally {
    await run(['umount', small]);
  }
  expect(await hostTraces(person.home)).toEqual(before);
});

const nobody = 65_534;
const launcherIsReadable = await run(
  [
    'setpriv',
    `--reuid=${nobody}`,
    `--regid=${nobody}`,
    '--clear-groups',
    'test',
    '-r',
    join(packageRoot(), 'oclif.manifest.json'),
  ],
  { okExitCodes: [1] },
).then(({ exitCode }) => exitCode === 0);

test.skipIf(!launcherIsReadable)(
  'without root, where no libvirt answers, it says what to run (needs a checkout that others may read)',
  async () => {
    await access(person.home, constants.R_OK);
    const home = join(person.home, 'nobody');
    await mkdir(home);
    await chown(home, nobody, nobody);
    await run(['chmod', '711', person.home]);
    const setpriv = launcherFor(home, 'setpriv');
    const words = [
      `--reuid=${nobody}`,
      `--regid=${nobody}`,
      '--clear-groups',
      join(packageRoot(), 'bin/boshvirt'),
    ];
    const { exitCode, stderr } = await setpriv.run([...words, 'up', '--yes']);
    expect(stderr).toContain('run the same command with sudo -H');
    expect(exitCode).toBe(11);
    expect((await setpriv.run([...words, 'list'])).exitCode).toBe(0);
  },
);
