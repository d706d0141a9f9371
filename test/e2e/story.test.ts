/** The README's story by the real launcher, for somebody with an empty home folder, on a private libvirt host. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/platform/process.ts';
import { type HostTraces, hostTraces } from '../support/host-traces.ts';
import { newPerson, type Person } from '../support/person.ts';

let person: Person;
let before: HostTraces;

beforeAll(async () => {
  person = await newPerson();
  before = await hostTraces(person.home);
});

afterAll(async () => {
  await person?.[Symbol.asyncDispose]();
});

const state = async () => JSON.parse((await person.run(['status', '--json'])).stdout);

describe('one environment', () => {
  test('plan tells what up would do, and leaves no trace', async () => {
    const { stdout, exitCode } = await person.run(['plan', '--profile', 'machine', '--exit-code']);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^Environment 'default' is not there: up would make it\.\n/);
    expect(stdout).toMatch(/^\+ network +boshvirt-default, 192\.168\.\S+, /m);
    expect(stdout).toMatch(/^\+ persistent disk +1 GiB$/m);
    expect(await hostTraces(person.home)).toEqual(before);
  });

  test('comes up from nothing, and says what to do next', async () => {
    const { stdout, stderr, exitCode } = await person.run(['up', '--profile', 'machine', '--yes']);
    expect(stderr).toMatch(/^\[7\/7\] Ask the agent: done/m);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Environment 'default' is up/);
    expect(stdout).toContain('boshvirt ssh');
    expect(await state()).toMatchObject({ state: 'running', host: 'private', engine: 'builtin' });
    expect(await person.domains()).toEqual([(await state()).vm]);
    expect(await person.inGuest('hostname; cat /proc/mounts')).toContain(' /var/vcap/store ext4 ');
  });

  test('a second up has nothing to do', async () => {
    const { vm } = await state();
    const { stdout, stderr } = await person.run(['up']);
    expect(stdout).toMatch(/^Nothing to do: environment 'default' is up/);
    expect(stderr).toBe('');
    expect((await state()).vm).toBe(vm);
  });

  test('plan has nothing to do either, and shows what other flags would change', async () => {
    const same = await person.run(['plan', '--exit-code']);
    expect(same.stdout).toContain('The manifest stays as it is.');
    expect(same.exitCode).toBe(0);
    const { vm } = await state();
    const flags = ['--disk', '2GiB', '--memory', '600MiB', '-v', 'key=hidden'];
    const { stdout, exitCode } = await person.run(['plan', ...flags, '--json', '--exit-code']);
    expect(exitCode).toBe(3);
    expect(stdout).not.toContain('hidden');
    const plan = JSON.parse(stdout);
    expect(plan).toMatchObject({ distance: 'remake', manifest: { variables: ['key'] } });
    expect(plan.manifest.diff).toContain('-      memory: 512\n+      memory: 600\n');
    expect(plan.room.memory.wantedMb).toBe(88);
    const acts = plan.objects.map(({ kind, act }: Record<string, string>) => [kind, act]);
    expect(acts).toEqual([
      ['private libvirt host', 'keep'],
      ['storage pool', 'keep'],
      ['network', 'keep'],
      ['machine', 'make anew'],
      ['persistent disk', 'change'],
    ]);
    expect((await state()).vm).toBe(vm);
  });

  test('list, logs and render tell of it', async () => {
    const list = JSON.parse((await person.run(['list', '--json'])).stdout);
    expect(list).toMatchObject([{ name: 'default', state: 'running' }]);
    const { stdout: logs } = await person.run(['logs']);
    expect(logs).toMatch(/==> cpi <==\n.*create_vm.*==> console <==\n.*==> agent <==\n.*asked for/s);
    expect((await person.run(['logs', '--source', 'console'])).stdout).not.toContain('==>');
    expect((await person.run(['render', 'default', 'manifest'])).stdout).toContain('name: default');
    expect((await person.run(['render', 'command'])).stdout).toContain('"$bosh" create-env');
    expect((await person.run(['render', 'domain-xml'])).stdout).toContain(
      `<name>${(await state()).vm}</name>`,
    );
  });

  test('vms and disks show the machine and its disk in lines of 80 columns', async () => {
    const { vm, disks } = await state();
    const shown = (await Promise.all([person.run(['vms']), person.run(['disks'])])).map(
      ({ stdout }) => stdout,
    );
    expect(shown[0]).toMatch(
      new RegExp(`^VM .*\\n${vm} +machine/0 +running +192\\.168\\.\\S+ .* [1-9]\\S* [KM]iB\\n$`),
    );
    expect(shown[1]).toMatch(new RegExp(`^DISK .*\\n${disks[0]} +1 GiB .* ${vm} +machine/0 +0\\n$`));
    for (const line of shown.flatMap((text) => text.split('\n'))) expect(line.length).toBeLessThanOrEqual(80);
    const [found] = JSON.parse((await person.run(['vms', '--json'])).stdout);
    expect(found).toMatchObject({ cid: vm, disks, metadata: { deployment: 'default', index: '0' } });
    expect((await person.run(['prune', '--dry-run'])).stdout).toBe('There are no orphans.\n');
  });

  test('what env prints leads virsh and ssh to the machine', async () => {
    const { stdout: variables } = await person.run(['env']);
    const options = '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR';
    const script = `eval "$1"; virsh list --name
      nsenter --net="$BOSHVIRT_NETNS" ssh ${options} -i "$BOSHVIRT_SSH_KEY" "vcap@$BOSHVIRT_MACHINE_IP" whoami`;
    const { stdout } = await run(['sh', '-c', script, 'sh', variables]);
    expect(stdout.split('\n').filter(Boolean)).toEqual([(await state()).vm, 'vcap']);
  });

  test('ssh gives the exit status of the command', async () => {
    expect((await person.run(['ssh', '--', 'exit 7'])).exitCode).toBe(7);
  });

  test('a restored snapshot brings back files and memory, and a clock that is right', async () => {
    await person.inGuest(
      'echo old | sudo tee /var/vcap/store/note; sleep 1000 >/dev/null 2>&1 & echo $! > pid',
    );
    await person.inGuest('sudo date -s @1000000000');
    const { stdout } = await person.run(['snapshot', 'create', '-n', 'first', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'first', withMemory: true });
    await person.inGuest('echo new | sudo tee /var/vcap/store/note; kill $(cat pid)');

    const again = await person.run(['snapshot', 'create', '-n', 'first']);
    expect(again).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("'first' already") });
    const unasked = await person.run(['snapshot', 'restore', '-n', 'first']);
    expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') });
    expect(await person.inGuest('cat /var/vcap/store/note')).toBe('new\n');

    const restored = await person.run(['snapshot', 'restore', '-n', 'first', '--yes']);
    expect(restored).toMatchObject({ exitCode: 0 });
    expect(await person.inGuest('cat /var/vcap/store/note; kill -0 $(cat pid) && echo alive')).toBe(
      'old\nalive\n',
    );
    expect(Number(await person.inGuest('date +%s'))).toBeGreaterThan(1_700_000_000);
    expect((await state()).state).toBe('running');
  });

  test('a new machine would lose the snapshots: up asks first', async () => {
    const refused = await person.run(['up', '--memory', '640MiB']);
    expect(refused).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/snapshots are lost: first/),
    });
    const plan = await person.run(['plan', '--memory', '640MiB']);
    expect(plan.stdout).toMatch(/^ {2}Snapshots that go with the machine: first$/m);
    expect((await person.run(['snapshot', 'delete', '-n', 'first'])).exitCode).toBe(0);
    expect(JSON.parse((await person.run(['snapshot', 'list', '--json'])).stdout)).toEqual([]);
  });

  test('a snapshot is not taken without the credentials that go along', async () => {
    const credentials = join(person.envs, 'default', 'creds.yml');
    await rename(credentials, `${credentials}.aside`);
    const refused = await person.run(['snapshot', 'create', '-n', 'second']);
    await rename(`${credentials}.aside`, credentials);
    expect(refused).toMatchObject({ exitCode: 72, stderr: expect.stringContaining(credentials) });
    expect(JSON.parse((await person.run(['snapshot', 'list', '--json'])).stdout)).toEqual([]);
  });

  test('grows its disk, keeping what is on it, and its memory', async () => {
    const { disks } = await state();
    expect((await person.run(['up', '--disk', '1536MiB', '--memory', '640MiB'])).exitCode).toBe(0);
    const grown = await state();
    expect(grown.disks).toHaveLength(1);
    expect(grown.disks).not.toEqual(disks);
    expect(await person.inGuest('cat /var/vcap/store/note')).toBe('old\n');
    const sizeMb = Number(await person.inGuest("df -m /var/vcap/store | awk 'NR == 2 {print $2}'"));
    expect(sizeMb).toBeGreaterThan(1300);
    const memoryMb = Number(await person.inGuest("free -m | awk '/Mem/ {print $2}'"));
    expect(memoryMb).toBeGreaterThan(520);
  });

  test.each([
    ['stopped', 'destroy'],
    ['paused', 'suspend'],
  ])('a machine that somebody left %s runs again', async (name, command) => {
    const { vm } = await state();
    await person.virsh(command, vm);
    const seen = await person.run(['status', '--json', '--exit-code']);
    expect(seen.exitCode).toBe(3);
    expect(JSON.parse(seen.stdout)).toMatchObject({ state: name, vm });
    expect((await person.run(['up'])).exitCode).toBe(0);
    expect(await state()).toMatchObject({ state: 'running', vm });
  });

  test('a machine that somebody deleted is made again around its disk', async () => {
    const { vm, disks } = await state();
    await person.virsh('destroy', vm);
    await person.virsh('undefine', vm);
    expect(await state()).toMatchObject({ state: 'incomplete' });
    expect((await person.run(['up'])).exitCode).toBe(0);
    expect(await state()).toMatchObject({ state: 'running', disks });
    expect(await person.inGuest('cat /var/vcap/store/note')).toBe('old\n');
  });

  test('a private host that was killed, as by a reboot, comes back with its machine', async () => {
    const { vm } = await state();
    process.kill(await person.holder(), 'SIGKILL');
    expect(await state()).toMatchObject({ state: 'stopped' });
    const ssh = await person.run(['ssh', '--', 'true']);
    expect(ssh).toMatchObject({ exitCode: 40, stderr: expect.stringContaining('boshvirt up default') });
    expect((await person.run(['up'])).exitCode).toBe(0);
    expect(await state()).toMatchObject({ state: 'running', vm });
    expect(await person.inGuest('cat /var/vcap/store/note')).toBe('old\n');
  });

  test('with lost credentials it is made anew with others; its disk stays', async () => {
    await rm(join(person.envs, 'default/creds.yml'));
    expect(await person.run(['ssh', '--', 'true'])).toMatchObject({ exitCode: 72 });
    expect((await person.run(['up'])).exitCode).toBe(0);
    expect(await person.inGuest('cat /var/vcap/store/note')).toBe('old\n');
  });

  test('with a lost state it gets an empty disk; the old one is told of, and can be had back', async () => {
    const [old] = (await state()).disks;
    await rm(join(person.envs, 'default/state.json'));
    const up = await person.run(['up']);
    expect(up).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`--adopt-disk ${old}`) });
    const { disks, lostDisks } = await state();
    expect([lostDisks, disks.length]).toEqual([[old], 1]);
    expect((await person.run(['disks'])).stdout).toMatch(new RegExp(`^${old} .* none: lost `, 'm'));
    expect((await person.run(['up', '--adopt-disk', 'disk-none'])).exitCode).toBe(2);
    expect((await person.run(['up', '--adopt-disk', old])).exitCode).toBe(0);
    expect(await state()).toMatchObject({ state: 'running', disks: [old], lostDisks: disks });
    expect(await person.inGuest('cat /var/vcap/store/note')).toBe('old\n');
  });

  test('a damaged state is told, and up touches nothing', async () => {
    const path = join(person.envs, 'default/state.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, 40));
    const domains = await person.domains();
    for (const command of ['up', 'status']) {
      const { exitCode, stderr } = await person.run([command]);
      expect(stderr).toContain(path);
      expect(exitCode).toBe(72);
    }
    expect(await person.domains()).toEqual(domains);
    expect(JSON.parse((await person.run(['list', '--json'])).stdout)).toMatchObject([{ state: 'damaged' }]);
  });

  test('down asks, then leaves nothing, damaged state or not', async () => {
    expect(await person.run(['down'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--yes'),
    });
    const down = await person.run(['down', '--yes', '--purge']);
    expect(down).toMatchObject({ exitCode: 0, stdout: "Environment 'default' is gone.\n" });
    expect(await hostTraces(person.home)).toEqual(before);
    expect((await person.run(['down', '--yes'])).exitCode).toBe(70);
  });
});
