/** Sleep, reboots and crashes by the real launcher: what goes on, what starts anew, and what a person is told of it. */
import { rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../src/platform/retry.ts';
import { type HostTraces, hostTraces } from '../support/host-traces.ts';
import { newPerson, type Person } from '../support/person.ts';

let person: Person;
let before: HostTraces;
/** The probe stemcell is kept over test runs. */
const env = { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache') };
/** What only a machine that goes on has. */
let boot: string;
let vm: string;

beforeAll(async () => {
  person = await newPerson();
  before = await hostTraces(person.home);
  const up = await person.run(['up', '--profile', 'machine', '--memory', '256MiB', '--yes'], { env });
  expect(up).toMatchObject({ exitCode: 0 });
  vm = (await state()).vm;
  boot = await bootId();
  await person.inGuest(
    'echo kept | sudo tee /var/vcap/store/note; sync; sleep 1000 >/dev/null 2>&1 & echo $! > pid',
  );
});

afterAll(async () => {
  await person?.[Symbol.asyncDispose]();
});

const state = async () => JSON.parse((await person.run(['status', '--json'])).stdout);
const bootId = async () => await person.inGuest('cat /proc/sys/kernel/random/boot_id');
const isRight = async () => Number(await person.inGuest('date +%s')) > 1_700_000_000;
/** What `boshvirt recover` found and did, by the parts' names. */
async function recovered(command = 'recover'): Promise<Record<string, string>> {
  const { stdout, stderr, exitCode } = await person.run([command, '--json']);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  const { parts } = JSON.parse(stdout) as { parts: Record<string, string>[] };
  return Object.fromEntries(parts.map(({ part, found, done = '-' }) => [part, `${found}: ${done}`]));
}
const autostart = async () => /Autostart: +(\w+)/.exec(await person.virsh('dominfo', vm))?.[1];

/** A VM of the environment's beside its machine, with neither disks nor a system. Its name comes before the machine's. */
async function secondVm(): Promise<string> {
  const name = `vm-${'0'.repeat(17)}`;
  const machine = await person.virsh('dumpxml', '--inactive', vm);
  const xml = machine
    .replaceAll(vm, name)
    .replaceAll(/<(uuid|disk|interface)\b.*?<\/\1>/gs, '')
    .replaceAll(/<log file=.*?\/>/g, '');
  const path = join(person.home, 'machine.xml');
  await writeFile(path, xml);
  await person.virsh('define', path);
  await person.virsh('start', name);
  return name;
}

describe('an environment that is put to sleep', () => {
  test('has its memory on the disk, and nothing of it runs or wakes by itself', async () => {
    await person.inGuest('sudo date -s @1000000000');
    const { stdout, exitCode } = await person.run(['suspend', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ name: 'default', vms: [vm] });
    expect(await person.virsh('list', '--all', '--with-managed-save', '--name')).toContain(vm);
    expect(await person.virsh('list', '--name')).not.toContain(vm);
    expect(await autostart()).toBe('disable');
    const seen = await person.run(['status', '--exit-code']);
    expect(seen).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(/^state +suspended \(.*boshvirt resume default/m),
    });
    expect((await person.run(['suspend'])).stdout).toBe("Nothing of 'default' runs.\n");
  });

  test('is not taken a snapshot of, which would lack its memory', async () => {
    const refused = await person.run(['snapshot', 'create', '-n', 'first']);
    expect(refused).toMatchObject({ exitCode: 51, stderr: expect.stringContaining('resume it first') });
  });

  test('goes on where it was, with a clock that is right', async () => {
    expect((await person.run(['resume'])).stdout).toBe("Environment 'default' runs again.\n");
    expect(await bootId()).toBe(boot);
    expect(await person.inGuest('kill -0 $(cat pid) && cat /var/vcap/store/note')).toBe('kept\n');
    expect(await isRight()).toBe(true);
    expect(await autostart()).toBe('enable');
    expect((await person.run(['resume'])).stdout).toBe("Environment 'default' runs already.\n");
  });

  test('goes on by up too, though somebody has stopped its network', async () => {
    await person.inGuest('sudo date -s @1000000000');
    await person.run(['suspend']);
    await person.virsh('net-destroy', 'boshvirt-default');
    expect((await person.run(['up'], { env })).exitCode).toBe(0);
    expect(await bootId()).toBe(boot);
    expect(await isRight()).toBe(true);
  });

  test('is brought back after a suspend that was killed in the middle', async () => {
    const suspend = person.start(['suspend']);
    await suspend.shows('of memory go to the disk');
    suspend.signal('SIGKILL');
    expect((await suspend.ended).exitCode).toBe(137);
    const settled = async () => (['running', 'suspended'].includes((await state()).state) ? true : undefined);
    expect(await waitFor(settled, { timeoutMs: 20_000 })).toBe(true);
    expect((await person.run(['resume'])).exitCode).toBe(0);
    expect(await bootId()).toBe(boot);
  });

  test('sleeps with the VMs that its director has made, which it must not miss, through a reboot', async () => {
    const other = await secondVm();
    const { stdout } = await person.run(['suspend', '--json']);
    expect(JSON.parse(stdout)).toEqual({ name: 'default', vms: [vm, other] });
    process.kill(await person.holder(), 'SIGKILL');
    expect(await state()).toMatchObject({ state: 'stopped' });
    const found = await recovered('resume');
    expect(found).toMatchObject({ host: 'down: started', vm: 'suspended: resumed', clock: 'late: set' });
    expect(await bootId()).toBe(boot);
    expect((await person.virsh('list', '--name')).split('\n')).toContain(other);
    await person.virsh('destroy', other);
    await person.virsh('undefine', other);
  });
});

describe('recover', () => {
  test('says that a machine is gone, and who makes another', async () => {
    const path = join(person.home, 'machine.xml');
    await writeFile(path, await person.virsh('dumpxml', '--inactive', vm));
    await person.virsh('destroy', vm);
    await person.virsh('undefine', vm);
    const refused = await person.run(['recover']);
    const advice = expect.stringContaining('boshvirt up default makes another');
    expect(refused).toMatchObject({ exitCode: 70, stderr: advice });
    await person.virsh('define', path); // it does not come up by itself any more
  });

  test('brings all back after a reboot: the machine starts anew, with its disk', async () => {
    process.kill(await person.holder(), 'SIGKILL');
    const parts = await recovered();
    expect(parts).toMatchObject({
      host: 'down: started',
      vm: 'off: started',
      agent: 'silent: waited for it',
    });
    expect(await bootId()).not.toBe(boot);
    expect(await person.inGuest('cat /var/vcap/store/note')).toBe('kept\n');
  });

  test('does nothing where all runs, and says so', async () => {
    const well = { host: 'running: -', storage: 'running: -', network: 'running: -', vm: 'running: -' };
    expect(await recovered()).toEqual({ ...well, agent: 'answers: -' });
    const { stdout } = await person.run(['recover']);
    expect(stdout).toMatch(new RegExp(`^PART .*\\n(.*\\n)*vm +${vm} +running +-\\n`));
  });

  test('starts what was stopped by hand under a machine that runs, and says each', async () => {
    const before = await bootId();
    await person.virsh('net-destroy', 'boshvirt-default');
    await person.virsh('pool-destroy', 'boshvirt-default');
    const parts = await recovered();
    expect(parts).toMatchObject({ storage: 'stopped: started', vm: 'running: -' });
    expect(parts.network).toMatch(/^stopped, with vnet\d+ unplugged: started, brought back what it lacked$/);
    expect(await bootId()).toBe(before);
  });

  test('tells of a VM of the director’s that cannot be started, and goes on to the agent', async () => {
    const other = await secondVm();
    await person.virsh('destroy', other);
    const xml = await person.virsh('dumpxml', '--inactive', other);
    const disk = "<disk type='file'><source file='/nowhere'/><target dev='vdz' bus='virtio'/></disk>";
    await writeFile(join(person.home, 'machine.xml'), xml.replace('<devices>', `<devices>${disk}`));
    await person.virsh('define', join(person.home, 'machine.xml'));
    const { stdout, stderr, exitCode } = await person.run(['recover']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^vm +${other} +off +-\\n(.*\\n)*agent .* answers`, 'm'));
    expect(stderr).toMatch(new RegExp(`${other} stays off: .*/nowhere`));
    await person.virsh('undefine', other);
  });
});

test('down leaves nothing, also of a VM that sleeps', async () => {
  await person.virsh('managedsave', await secondVm());
  expect(await person.run(['down', '--yes', '--purge'])).toMatchObject({ exitCode: 0 });
  await rm(join(person.home, 'machine.xml'));
  expect(await hostTraces(person.home)).toEqual(before);
});
