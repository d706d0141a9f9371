import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestEnvironment } from './test-environment.ts';

let environment: TestEnvironment;
beforeEach(async () => {
  environment = await TestEnvironment.make();
});
afterEach(async () => await environment[Symbol.asyncDispose]());

async function expectNothing(): Promise<void> {
  const { vms, disks, stemcells } = environment.world;
  expect({ vms, disks, stemcells }).toEqual({ vms: {}, disks: {}, stemcells: {} });
  expect(await readdir(environment.folder)).not.toContain('state.json');
}

describe('delete-env', () => {
  test('without a state has nothing to do, twice', async () => {
    expect(await environment.deleteEnv()).toMatchObject({ steps: [] });
    expect(await environment.deleteEnv()).toMatchObject({ steps: [] });
    await expectNothing();
  });

  test('does without what is gone already', async () => {
    await environment.createEnv();
    environment.changeWorld({ vms: {}, disks: {}, stemcells: {} });
    expect(await environment.deleteEnv()).toMatchObject({
      steps: ['has_vm', 'delete_vm', 'delete_disk', 'delete_stemcell'],
    });
    await expectNothing();
  });

  test('does without an agent that fails', async () => {
    await environment.createEnv();
    environment.changeWorld({ agentErrors: { stop: 'monit is gone' } });
    await environment.deleteEnv();
    await expectNothing();
    expect(environment.progress).toContain('its agent does not help; going on without it');
  });

  test('does without an agent that is dead', async () => {
    await environment.createEnv();
    environment.agent.isThere = false;
    const started = performance.now();
    await environment.deleteEnv();
    expect(performance.now() - started).toBeLessThan(15_000);
    await expectNothing();
  });

  test('needs neither the stemcell nor a manifest that could be deployed', async () => {
    await environment.createEnv();
    environment.stemcell = { path: '/nowhere', sha1: '' };
    await environment.replace('/instance_groups/name=tiny/jobs', [{ name: 'nats', release: 'bosh' }]);
    await environment.deleteEnv();
    await expectNothing();
  });

  test('keeps what it could not delete in the state', async () => {
    await environment.createEnv();
    const failure = { type: 'CloudError', message: 'the pool is busy', ok_to_retry: false };
    environment.changeWorld({ cpiErrors: { delete_disk: failure } });
    await expect(environment.deleteEnv()).rejects.toThrow('the pool is busy');
    expect(await environment.state()).toMatchObject({ current_vm_cid: '', disks: [{}], stemcells: [{}] });
    environment.changeWorld({ cpiErrors: {} });
    expect(await environment.deleteEnv()).toMatchObject({ steps: ['delete_disk', 'delete_stemcell'] });
    await expectNothing();
  });
});
