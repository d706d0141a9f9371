/** kill -9 after each step: the next run has to end where an undisturbed one would. */
import { readdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { emptyWorld } from './scripted-world.ts';
import { TestEnvironment } from './test-environment.ts';

let environment: TestEnvironment;
/** Back to a machine that was made without trouble, its disk full of something. */
let restore: () => Promise<void>;
beforeAll(async () => {
  environment = await TestEnvironment.make();
  await environment.createEnv();
  const [disk = ''] = Object.keys(environment.world.disks);
  environment.changeWorld({ disks: { [disk]: { sizeMb: 512, content: 'precious', metadata: null } } });
  restore = await environment.snapshot();
});
afterAll(async () => await environment[Symbol.asyncDispose]());

beforeEach(async () => await restore());

/** One machine that runs from the current disk. A kill may leave a disk that the state never knew, but no content. */
async function expectMachine(sizeMb: number, content: string): Promise<void> {
  const { vms, disks, jobState, mounted } = environment.world;
  const state = (await environment.state()) as {
    current_vm_cid: string;
    current_disk_id: string;
    disks: { id: string; cid: string; size: number }[];
  };
  expect(Object.keys(vms)).toEqual([state.current_vm_cid]);
  expect(state.disks).toMatchObject([{ id: state.current_disk_id, size: sizeMb }]);
  const current = state.disks[0]?.cid ?? '';
  expect([jobState, mounted, disks[current]]).toMatchObject(['running', [current], { sizeMb, content }]);
  const lost = Object.entries(disks).filter(([cid]) => cid !== current);
  expect(lost.map(([, disk]) => disk.content).join('')).toBe('');
}

const firstRun = [
  ['create_stemcell'],
  ['create_vm'],
  ['set_vm_metadata'],
  ['create_disk'],
  ['attach_disk'],
  ['agent add_persistent_disk'],
  ['agent mount_disk'],
  ['agent apply'],
  ['agent start'],
];
describe.each(firstRun)('a first create-env, killed after %s', (step) => {
  test('is finished by the next', async () => {
    environment.changeWorld(emptyWorld());
    await rm(environment.path('state.json'));
    expect(await environment.runAndKill('create-env', step)).toBe(true);
    await environment.removeStrays();
    expect(await environment.createEnv()).toMatchObject({ result: { changed: true } });
    await expectMachine(512, '');
    expect(await environment.createEnv()).toMatchObject({ result: { changed: false } });
  });
});

describe.each([['agent stop'], ['delete_vm'], ['delete_disk'], ['delete_stemcell']])(
  'a delete-env, killed after %s',
  (step) => {
    test('is finished by the next', async () => {
      expect(await environment.runAndKill('delete-env', step)).toBe(true);
      await environment.deleteEnv();
      const { vms, disks, stemcells } = environment.world;
      expect({ vms, disks, stemcells }).toEqual({ vms: {}, disks: {}, stemcells: {} });
      expect(await readdir(environment.folder)).not.toContain('state.json');
    });
  },
);

const biggerDisk = [
  ['agent unmount_disk', 1],
  ['delete_vm', 1],
  ['create_vm', 1],
  ['attach_disk', 1],
  ['create_disk', 1],
  ['attach_disk', 2],
  ['agent mount_disk', 2],
  ['agent migrate_disk', 1],
  ['agent remove_persistent_disk', 1],
  ['detach_disk', 1],
  ['delete_disk', 1],
] as const;
describe.each(biggerDisk)('a create-env with a bigger disk, killed after %s (%d)', (step, count) => {
  test('loses nothing', async () => {
    await environment.replace('/disk_pools/name=disks/disk_size', 1024);
    expect(await environment.runAndKill('create-env', step, count)).toBe(true);
    await environment.removeStrays();
    // the killed run's copy on its way to the new disk is no content of anybody's
    await environment.createEnv();
    const { disks } = environment.world;
    const { disks: known } = (await environment.state()) as { disks: { cid: string }[] };
    environment.changeWorld({
      disks: Object.fromEntries(
        Object.entries(disks).filter(([cid]) => known.some((each) => each.cid === cid)),
      ),
    });
    await expectMachine(1024, 'precious');
  });
});
