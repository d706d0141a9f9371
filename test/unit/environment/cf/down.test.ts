import { afterEach, expect, test, vi } from 'vitest';
import { readCfRecord, writeCfRecord } from '../../../../src/environment/cf/cf-record.ts';
import { type OrphanedDisk, stepsOfCfDown } from '../../../../src/environment/cf/down.ts';
import { liteScene, quietCaller } from './lite-scene.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const nowhere = { ip: '127.0.0.1', ca: 'CA' };
const disks = [
  { disk_cid: 'disk-1', size: '10 GiB', deployment: 'cf-two', instance: 'database/1' },
  { disk_cid: 'disk-2', size: '1 GiB', deployment: 'other', instance: 'db/1' },
];

test('the deployment goes, what was asked for is forgotten, disks that stay are told of', async () => {
  await using scene = await liteScene(
    `[ "$1" = disks ] && echo '${JSON.stringify({ Tables: [{ Rows: disks }] })}'; exit 0`,
    nowhere,
  );
  await writeCfRecord('work', {
    ...{ version: 1, cfDeployment: 'pinned', deployment: 'cf-two', systemDomain: 'cf.test' },
    ...{ ops: [], vars: {}, varsFiles: [] },
  });
  const context: { disks: OrphanedDisk[] } = { disks: [] };
  const caller = quietCaller();
  await caller.runSteps(await stepsOfCfDown('work', scene.record, caller), context);
  expect(await scene.read('calls')).toBe('delete-deployment -d cf-two\ndisks --orphaned --json\n');
  expect(context.disks).toEqual([{ cid: 'disk-1', size: '10 GiB', instance: 'database/1' }]);
  expect(await readCfRecord('work')).toBeUndefined();
});

test('a deployment that does not go is not forgotten', async () => {
  await using scene = await liteScene('echo "Error: locked" >&2; exit 1', nowhere);
  await writeCfRecord('work', {
    ...{ version: 1, cfDeployment: 'pinned', deployment: 'cf', systemDomain: 'cf.test' },
    ...{ ops: [], vars: {}, varsFiles: [] },
  });
  const caller = quietCaller();
  const steps = await stepsOfCfDown('work', scene.record, caller);
  await expect(caller.runSteps(steps, { disks: [] })).rejects.toMatchObject({ code: 'DIRECTOR' });
  expect(await readCfRecord('work')).toMatchObject({ deployment: 'cf' });
});
