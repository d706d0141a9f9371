import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { TestEnvironment } from './test-environment.ts';

let environment: TestEnvironment;
beforeEach(async () => {
  environment = await TestEnvironment.make();
});
afterEach(async () => await environment[Symbol.asyncDispose]());

const notImplemented = {
  type: 'NotImplemented',
  message: 'not implemented',
  ok_to_retry: false,
};

/** The CIDs in the world and in the state have to be the same, each once. */
async function expectOneMachine(): Promise<void> {
  const { vms, disks, stemcells, jobState, mounted } = environment.world;
  const state = await environment.state();
  expect([Object.keys(vms), Object.keys(stemcells)]).toEqual([
    [state.current_vm_cid],
    [expect.stringMatching(/^stemcell-/)],
  ]);
  expect(state).toMatchObject({
    stemcells: [{ id: state.current_stemcell_id, cid: Object.keys(stemcells)[0], api_version: 3 }],
    disks: [{ id: state.current_disk_id, cid: Object.keys(disks)[0] }],
    current_manifest_sha: expect.stringMatching(/^[0-9a-f]{128}$/),
  });
  expect([jobState, mounted]).toEqual(['running', Object.keys(disks)]);
}

describe('create-env', () => {
  test('makes a machine, and leaves nothing but private files', async () => {
    expect(await environment.createEnv()).toMatchObject({ result: { changed: true } });
    await expectOneMachine();
    expect(await readdir(environment.path('work'))).toEqual(['cpi.json']);
    for (const name of ['state.json', 'create-env.log', 'work/cpi.json'])
      expect([name, (await stat(environment.path(name))).mode & 0o777]).toEqual([name, 0o600]);
  });

  test('hands the stemcell’s image on, unpacked', async () => {
    await environment.useStemcell({ version: '7', image: 'x'.repeat(3_000_000) });
    await environment.createEnv();
    const [stemcell] = Object.values(environment.world.stemcells);
    expect(stemcell?.image.length).toBe(3_000_000);
  });

  test('with nothing changed asks for the VM and nothing else', async () => {
    await environment.createEnv();
    expect(await environment.createEnv()).toMatchObject({ result: { changed: false }, steps: ['has_vm'] });
  });

  test('makes a VM that somebody deleted anew, on the same disk', async () => {
    await environment.createEnv();
    const [disk] = Object.keys(environment.world.disks);
    environment.changeWorld({ vms: {} });
    expect(await environment.createEnv()).toMatchObject({ result: { changed: true } });
    await expectOneMachine();
    expect(Object.keys(environment.world.disks)).toEqual([disk]);
  });

  test('uploads a stemcell that somebody deleted once more', async () => {
    await environment.createEnv();
    environment.changeWorld({ stemcells: {} });
    await environment.createEnv({ recreate: true });
    await expectOneMachine();
  });

  test('deletes the old stemcell when the new one is in use', async () => {
    await environment.createEnv();
    await environment.useStemcell({ version: '0.2' });
    const { requests } = await environment.createEnv();
    expect([requests[0]?.method, requests.at(-1)?.method]).toEqual(['create_stemcell', 'delete_stemcell']);
    await expectOneMachine();
  });

  test('takes the content of a disk to a bigger one', async () => {
    await environment.createEnv();
    const [old = ''] = Object.keys(environment.world.disks);
    const disks = { [old]: { sizeMb: 512, content: 'precious', metadata: null } };
    environment.changeWorld({ disks });
    await environment.replace('/disk_pools/name=disks/disk_size', 1024);
    await environment.createEnv();
    await expectOneMachine();
    expect(Object.values(environment.world.disks)).toMatchObject([{ sizeMb: 1024, content: 'precious' }]);
    expect(await environment.state()).toMatchObject({
      disks: [{ size: 1024, cloud_properties: { type: 'raw' } }],
    });
  });

  test('leaves the disk alone when the manifest has none any more', async () => {
    await environment.createEnv();
    const [disk] = Object.keys(environment.world.disks);
    await environment.replace('/instance_groups/name=tiny/persistent_disk_pool', '');
    const { steps } = await environment.createEnv();
    expect(steps.filter((step) => step.includes('disk'))).toEqual(['agent list_disk', 'agent unmount_disk']);
    expect(Object.keys(environment.world.disks)).toEqual([disk]);
    expect(await environment.state()).toMatchObject({ disks: [{ cid: disk }] });
  });

  test('goes on without an agent that is dead', { timeout: 40_000 }, async () => {
    await environment.createEnv();
    environment.agent.hiccups = 1_000;
    setTimeout(() => {
      environment.agent.hiccups = 0;
    }, 10_800);
    const { requests } = await environment.createEnv({ recreate: true });
    expect(requests.map(({ method }) => method).slice(0, 2)).toEqual(['has_vm', 'delete_vm']);
    await expectOneMachine();
  });

  test('keeps the VM when its agent cannot let go of the disk', async () => {
    await environment.createEnv();
    const before = environment.world.vms;
    environment.changeWorld({ agentErrors: { unmount_disk: 'device is busy' } });
    await expect(environment.createEnv({ recreate: true })).rejects.toMatchObject({
      name: 'AgentRefused',
      message: expect.stringContaining('unmount_disk: device is busy'),
    });
    expect(environment.world.vms).toEqual(before);
    environment.changeWorld({ agentErrors: {} });
    await environment.createEnv();
    await expectOneMachine();
  });

  test('does without metadata and hints that a CPI does not have', async () => {
    environment.changeWorld({
      cpiErrors: { set_vm_metadata: notImplemented, set_disk_metadata: notImplemented },
      cpiResults: { attach_disk: null },
      agentErrors: {},
    });
    await expect(environment.createEnv()).rejects.toThrow('nobody told of disk-'); // the strict agent wants its hint
    expect(environment.world.messages.map(({ method }) => method)).not.toContain('add_persistent_disk');
  });

  test('does without methods that an old agent does not know', async () => {
    environment.changeWorld({ agentErrors: { run_script: 'unknown message run_script' } });
    await environment.createEnv();
    await expectOneMachine();
  });

  test('tells the agent what the machine is', async () => {
    const { messages } = await environment.createEnv();
    const specifications = messages
      .filter(({ method }) => method === 'apply')
      .map((message) => message.arguments[0]);
    expect(specifications).toHaveLength(2);
    expect(specifications[1]).toMatchObject({
      deployment: 'tiny-env',
      name: 'tiny',
      index: 0,
      id: '0',
      job: { name: 'tiny', templates: [] },
      packages: {},
      networks: { default: { ip: '10.0.2.15', netmask: '255.255.255.0' } },
    });
  });

  test('takes a state over that a bosh wrote, with what we do not know in it', async () => {
    const theirs = {
      director_id: '60d166b6-f2bb-4ff7-6c77-f78d28696999',
      installation_id: 'f8001171-752d-460d-579a-6080a33c8072',
      current_vm_cid: '',
      current_stemcell_id: '',
      current_disk_id: '',
      current_release_ids: null,
      current_manifest_sha: '',
      disks: null,
      stemcells: null,
      releases: null,
      from_the_future: { kept: true },
    };
    await writeFile(environment.path('state.json'), JSON.stringify(theirs));
    const { requests } = await environment.createEnv();
    expect(requests[0]?.context).toEqual({
      director_uuid: theirs.director_id,
      vm: { stemcell: { api_version: 3 } },
    });
    const { director_id, installation_id, from_the_future } = theirs;
    expect(await environment.state()).toMatchObject({ director_id, installation_id, from_the_future });
    expect(Object.keys(await environment.state()).slice(0, 10)).toEqual(Object.keys(theirs).slice(0, 10));
  });

  test('shows the CPI’s failure, and tries again the next time', async () => {
    const failure = { type: 'NoDiskSpace', message: 'the pool is full', ok_to_retry: false };
    environment.changeWorld({ cpiErrors: { create_disk: failure } });
    await expect(environment.createEnv()).rejects.toMatchObject({
      name: 'CpiCallError',
      code: 'NO_RESOURCES',
      type: 'Bosh::Clouds::NoDiskSpace',
      message: 'The CPI failed at create_disk: the pool is full',
    });
    environment.changeWorld({ cpiErrors: {} });
    await environment.createEnv();
    await expectOneMachine();
  });

  test('ends when it is interrupted', async () => {
    environment.agent.isThere = false;
    setTimeout(() => environment.interrupt.abort(new Error('Ctrl-C')), 1_500);
    await expect(environment.createEnv()).rejects.toThrow('Ctrl-C');
  });

  test('writes no secret to its log', async () => {
    await environment.createEnv();
    const log = await readFile(environment.path('create-env.log'), 'utf8');
    const store = parse(await readFile(environment.path('creds.yml'), 'utf8')) as {
      mbus_bootstrap_password: string;
      mbus_bootstrap_ssl: { private_key: string };
    };
    expect(log).toMatch(/scripted CPI: create_vm[\s\S]* cpi create_vm \(\d+ ms\): ok/);
    expect(log).not.toContain(store.mbus_bootstrap_password);
    expect(log).not.toContain(store.mbus_bootstrap_ssl.private_key.split('\n')[3]);
  });
});

describe('what cannot be deployed is told before anything is made', () => {
  afterEach(() => expect(environment.world.steps).toEqual([]));

  test('jobs', async () => {
    await environment.replace('/instance_groups/name=tiny/jobs', [{ name: 'nats', release: 'bosh' }]);
    await expect(environment.createEnv()).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: 'This manifest has jobs (nats); the builtin engine cannot compile',
      hints: [expect.stringContaining('--engine bosh-cli')],
    });
  });

  test('a stemcell that is cut off', async () => {
    await environment.useStemcell({ version: '8', image: Array.from({ length: 9_000 }, Math.random).join() });
    const bytes = await readFile(environment.stemcell.path);
    await writeFile(environment.stemcell.path, bytes.subarray(0, bytes.length / 2));
    await expect(environment.createEnv()).rejects.toMatchObject({
      name: 'UserError',
      code: 'CHECKSUM',
      message: expect.stringMatching(/stemcell-8\.tgz cannot be used: it is damaged or cut off/),
    });
    expect(await readdir(environment.path('work'))).toEqual(['cpi.json']);
  });

  test('a stemcell other than the manifest means', async () => {
    environment.stemcell = { ...environment.stemcell, sha1: 'a'.repeat(40) };
    await expect(environment.createEnv()).rejects.toThrow(
      /its SHA1 is [0-9a-f]{40}, the manifest says a{40}/,
    );
  });

  test('a stemcell that is too old', async () => {
    await environment.useStemcell({ version: '1', facts: { api_version: 1 } });
    await expect(environment.createEnv()).rejects.toThrow('has api_version 1; create-env needs 2 or newer');
  });

  test('a state that is none', async () => {
    await writeFile(environment.path('state.json'), '{"disks": "many"}');
    await expect(environment.createEnv()).rejects.toMatchObject({
      code: 'STATE_DAMAGED',
      message: expect.stringContaining('disks'),
    });
  });
});
