/** `boshvirt up` that is killed or interrupted at each step: the next `up` finishes, `down` leaves nothing, two never mix. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

/** One machine with one persistent disk, which answers; nothing of the unfinished runs beside it. */
async function expectOneMachine(): Promise<void> {
  const { stdout } = await person.run(['status', '--json']);
  const { state, vm, disks } = JSON.parse(stdout);
  expect(state).toBe('running');
  expect(await person.domains()).toEqual([vm]);
  const volumes = (await person.virsh('vol-list', 'boshvirt-default'))
    .split('\n')
    .map((line) => line.trim().split(/\s/)[0] ?? '')
    .filter((name) => name.endsWith('.qcow2'));
  const expected = [
    `${vm}-root.qcow2`,
    `${vm}-ephemeral.qcow2`,
    ...disks.map((cid: string) => `${cid}.qcow2`),
  ];
  expect(volumes.sort()).toEqual(expected.sort());
}

async function takeDown(): Promise<void> {
  expect((await person.run(['down', '--yes', '--purge'])).exitCode).toBe(0);
  expect(await hostTraces(person.home)).toEqual(before);
}

describe('killed', () => {
  test.each([
    'downloading',
    'uploading stemcell',
    'creating the VM',
    'waiting for its agent',
    'attaching disk',
  ])('while %s', async (moment) => {
    const up = person.start(['up', '--profile', 'machine', '--yes']);
    await up.shows(moment);
    up.signalAlone('SIGKILL');
    expect((await up.ended).exitCode).toBe(137);
  });

  test('the next up finishes', async () => {
    expect((await person.run(['up'])).exitCode).toBe(0);
    await expectOneMachine();
    await takeDown();
  });
});

describe('interrupted from the terminal', () => {
  test.each([
    'Find libvirt ...',
    'looking for packages',
    'Start the private libvirt host ...',
    'Lay storage and network ...',
    'uploading stemcell',
    'creating the VM',
    'waiting for its agent',
    'attaching disk',
  ])('at "%s", ends with 130 and a clear word', async (moment) => {
    const up = person.start(['up', '--profile', 'machine', '--yes']);
    await up.shows(moment);
    up.signal('SIGINT');
    const { exitCode, stderr, stdout } = await up.ended;
    expect(stderr).toMatch(/\nError: interrupted by SIGINT; run the same command again/);
    expect(stderr).not.toContain('bug');
    expect(stdout).toBe('');
    expect(exitCode).toBe(130);
  });

  test('the next up finishes', async () => {
    expect((await person.run(['up'])).exitCode).toBe(0);
    await expectOneMachine();
    await takeDown();
  });

  test('before anything was made, nothing is there', async () => {
    const up = person.start(['up', '--profile', 'machine', '--yes']);
    await up.shows('looking for packages');
    up.signal('SIGTERM');
    expect((await up.ended).exitCode).toBe(143);
    expect(await hostTraces(person.home)).toEqual(before);
    expect((await person.run(['down', '--yes'])).exitCode).toBe(70);
  });

  test.each(['Start the private libvirt host ...', 'creating the VM', 'waiting for its agent'])(
    'at "%s", down leaves nothing',
    async (moment) => {
      const up = person.start(['up', '--profile', 'machine', '--yes']);
      await up.shows(moment);
      up.signal('SIGINT');
      expect((await up.ended).exitCode).toBe(130);
      await takeDown();
    },
  );

  test('down itself can be interrupted, and run again', async () => {
    expect((await person.run(['up', '--profile', 'machine', '--yes'])).exitCode).toBe(0);
    const down = person.start(['down', '--yes']);
    await down.shows('Delete the machine ...');
    down.signal('SIGINT');
    expect((await down.ended).exitCode).toBe(130);
    expect(JSON.parse((await person.run(['status', '--json'])).stdout).state).toBe('incomplete');
    await takeDown();
  });
});

test('of an environment that was killed and whose record is gone, prune finds all and leaves nothing', async () => {
  const up = person.start(['up', '--profile', 'machine', '--yes']);
  await up.shows('waiting for its agent');
  up.signalAlone('SIGKILL');
  await up.ended;
  await rm(person.envs, { recursive: true });
  const dry = await person.run(['prune', '--dry-run', '--json']);
  const kinds = JSON.parse(dry.stdout).orphans.map(({ kind }: { kind: string }) => kind);
  expect([...new Set(kinds)].sort()).toEqual(['host', 'network', 'pool', 'vm', 'volume']);
  expect(await person.run(['prune'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--yes'),
  });
  expect(await person.domains()).toHaveLength(1);
  expect((await person.run(['prune', '--yes'])).stdout).toMatch(/\nDeleted \d+ orphans, .*\.\n$/);
  await rm(join(person.home, '.local/state'), { recursive: true }); // logs are for people
  expect(await hostTraces(person.home)).toEqual(before);
});

test('a second up, or a down, at the same time is refused and told who is at it', async () => {
  const up = person.start(['up', '--profile', 'machine', '--yes']);
  await up.shows('Start the private libvirt host ...');
  for (const command of [['up'], ['down', '--yes']]) {
    const { exitCode, stderr } = await person.run(command);
    expect(stderr).toMatch(/^Error: process \d+ \(boshvirt up default\) holds the lock /);
    expect(exitCode).toBe(71);
  }
  up.signal('SIGINT');
  expect((await up.ended).exitCode).toBe(130);
  await takeDown();
});
