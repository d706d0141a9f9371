/** The README's story with containers: `boshvirt up --backend lxc`, for somebody with an empty home folder. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostTraces, hostTraces } from '../support/host-traces.ts';
import { newPerson, type Person } from '../support/person.ts';

let person: Person;
let before: HostTraces;

beforeAll(async () => {
  person = await newPerson('lxc');
  before = await hostTraces(person.home);
});

afterAll(async () => {
  await person?.[Symbol.asyncDispose]();
});

const state = async () => JSON.parse((await person.run(['status', '--json'])).stdout);
/** Starts anew with the container. */
const started = async () => await person.inGuest('stat -c %Y /proc/1');

test('a container comes up as a BOSH machine, with disks of the sizes that were asked for', async () => {
  const up = await person.run([
    'up',
    '--profile',
    'machine',
    '--backend',
    'lxc',
    '--disk',
    '300MiB',
    '--memory',
    '256MiB',
    '--yes',
  ]);
  expect(up).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("Environment 'default' is up") });
  expect(await state()).toMatchObject({ state: 'running', backend: 'lxc', host: 'private' });
  expect(await person.domains()).toEqual([(await state()).vm]);
  const sizeMb = (path: string) => person.inGuest(`df -m ${path} | awk 'NR == 2 {print $2}'`).then(Number);
  expect(await sizeMb('/var/vcap/store')).toBeGreaterThan(240);
  expect(await sizeMb('/var/vcap/store')).toBeLessThanOrEqual(300);
  expect(Number(await person.inGuest("awk '/MemTotal/ {print $2}' /proc/meminfo"))).toBe(256 * 1024);
});

test('a second up has nothing to do, and its logs, VMs and disks are shown', async () => {
  const { vm, disks } = await state();
  expect((await person.run(['up'])).stdout).toMatch(/^Nothing to do/);
  expect((await person.run(['vms'])).stdout).toMatch(new RegExp(`^${vm} +machine/0 +running `, 'm'));
  expect((await person.run(['disks'])).stdout).toMatch(new RegExp(`^${disks[0]} +300 MiB .* ${vm} `, 'm'));
  expect((await person.run(['logs'])).stdout).toMatch(/==> console <==\n.*==> agent <==\n.*asked for/s);
  expect((await person.run(['render', 'domain-xml'])).stdout).toContain(`<name>${vm}</name>`);
  expect((await person.run(['prune', '--dry-run'])).stdout).toBe('There are no orphans.\n');
});

test('containers keep no memory on the disk: suspend is refused, and they run on', async () => {
  const refused = await person.run(['suspend']);
  expect(refused).toMatchObject({
    exitCode: 12,
    stderr: expect.stringMatching(/lxc cannot keep .*recover default/s),
  });
  expect((await state()).state).toBe('running');
});

test('a restored snapshot brings back the files of all disks', async () => {
  await person.inGuest('echo old | sudo tee /var/vcap/store/note /root/note; sync');
  const { stdout } = await person.run(['snapshot', 'create', '-n', 'first', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ name: 'first', withMemory: false });
  await person.inGuest('echo new | sudo tee /var/vcap/store/note /root/note');
  expect((await person.run(['snapshot', 'restore', '-n', 'first', '--yes'])).exitCode).toBe(0);
  expect(await person.inGuest('sudo cat /var/vcap/store/note /root/note')).toBe('old\nold\n');
  expect((await state()).state).toBe('running');
  expect((await person.run(['snapshot', 'delete', '-n', 'first'])).exitCode).toBe(0);
});

test('a bigger disk is migrated to, in a container that is made anew', async () => {
  const { disks } = await state();
  expect((await person.run(['up', '--disk', '400MiB'])).exitCode).toBe(0);
  expect((await state()).disks).not.toEqual(disks);
  expect(await person.inGuest('cat /var/vcap/store/note')).toBe('old\n');
});

test('a private host that was killed, as by a reboot, comes back with its container', async () => {
  const { vm } = await state();
  const since = await started();
  process.kill(await person.holder(), 'SIGKILL');
  expect(await state()).toMatchObject({ state: 'stopped' });
  expect((await person.run(['up'])).exitCode).toBe(0);
  expect(await state()).toMatchObject({ state: 'running', vm });
  expect(await started()).not.toBe(since);
  expect(await person.inGuest('cat /var/vcap/store/note')).toBe('old\n');
});

test('down leaves nothing: no process, mount, loop device, control group or file', async () => {
  expect(await person.run(['down', '--yes', '--purge'])).toMatchObject({ exitCode: 0 });
  expect(await hostTraces(person.home)).toEqual(before);
});
