import { expect, test } from 'vitest';
import { pause } from '../../../src/platform/retry.ts';
import { runSuite } from '../../../src/verify/run-suite.ts';
import type { Scene } from '../../../src/verify/scene.ts';
import { failure, text } from '../../support/simulated-cloud/cloud.ts';
import { simulatedScene } from '../../support/simulated-cloud/scene.ts';

test('a clause that does not hold is told with what was seen and what was called, without secrets', async () => {
  await using simulated = await simulatedScene();
  const { cloud, scene } = simulated;
  cloud.methods.create_vm = () => 'vm-alone';
  const { clauses, passed, failed, skipped } = await runSuite(scene, { only: ['vms.create'] });
  expect([passed, failed, skipped]).toEqual([0, 1, 0]);
  expect(clauses[0]).toMatchObject({
    id: 'vms.create',
    sequence: 'director',
    outcome: 'failed',
    finding: { expected: '[VM CID, networks] from create_vm', seen: '"vm-alone"', road: 'wire' },
  });
  const [call] = clauses[0]?.calls?.slice(-1) ?? [];
  expect(call).toMatchObject({ method: 'create_vm', answer: '{"result":"vm-alone","error":null,"log":""}' });
  const told = JSON.stringify(clauses);
  for (const secret of scene.guests?.secrets ?? []) expect(told).not.toContain(secret);
});

test('what stands on a clause that failed is skipped and names it; the rest goes on', async () => {
  await using simulated = await simulatedScene();
  simulated.cloud.methods.detach_disk = () => {
    throw failure('CloudError', 'no');
  };
  const { clauses } = await runSuite(simulated.scene);
  const of = (id: string) => clauses.find((clause) => clause.id === id);
  expect(of('swap.detach')?.outcome).toBe('failed');
  expect(of('resize.ground')).toMatchObject({
    outcome: 'skipped',
    reason: 'it stands on swap.detach, which failed',
  });
  expect(of('vms.delete-with-disk')?.reason).toBe('it stands on resize.ground, which was skipped');
  expect(of('at-once.delete')?.outcome).toBe('passed');
});

test('a CPI may answer the keys of a hash in any order', async () => {
  await using simulated = await simulatedScene();
  const { cloud, scene } = simulated;
  const networks = scene.networks.map((network) => ({
    ...network,
    spec: { ...network.spec, cloud_properties: { name: 'vms', kind: 'nat' } },
  }));
  cloud.write = (answer) => ({
    ...answer,
    stdout: answer.stdout.replaceAll('{"name":"vms","kind":"nat"}', '{"kind":"nat","name":"vms"}'),
  });
  const { failed } = await runSuite({ ...scene, networks }, { only: ['vms.create'] });
  expect(failed).toBe(0);
});

test('a method that a CPI may lack makes a skipped clause, not a failed one', async () => {
  await using simulated = await simulatedScene();
  const { methods } = simulated.cloud;
  const optional = [
    'resize_disk',
    'update_disk',
    'snapshot_disk',
    'create_network',
    'get_disks',
    'set_vm_metadata',
    'set_disk_metadata',
  ];
  for (const method of optional) delete methods[method];
  const { clauses, failed } = await runSuite(simulated.scene);
  expect(failed).toBe(0);
  const skipped = clauses.filter(({ outcome }) => outcome === 'skipped');
  const reasonOf = (id: string) => skipped.find((clause) => clause.id === id)?.reason;
  expect(reasonOf('resize.grow')).toBe('resize_disk answers NotImplemented, which the contract allows');
  expect(reasonOf('unknown.disk')).toMatch(/^the CPI has none of set_disk_metadata, /);
  expect(skipped.every(({ reason }) => reason !== undefined)).toBe(true);
});

test('where nobody can look, the clauses are skipped with the reason of the scene', async () => {
  await using simulated = await simulatedScene();
  const { guests: _, hypervisor: __, ...scene } = simulated.scene;
  const absent = { guest: 'no road', hypervisor: 'no probe' };
  const { clauses } = await runSuite({ ...scene, absent } as Scene, {
    only: ['vms.awake', 'vms.own-images'],
  });
  expect(clauses.map(({ id, reason }) => [id, reason])).toEqual([
    ['vms.create', undefined],
    ['vms.awake', 'no road'],
    ['vms.own-images', 'no probe'],
  ]);
});

test('a hypervisor that shows no images of VMs is not taken for one where they share none', async () => {
  await using simulated = await simulatedScene();
  const { hypervisor, ...scene } = simulated.scene;
  if (!hypervisor) throw new Error('the simulated scene has a probe');
  const blind = { ...hypervisor, writableImages: async () => [] };
  const only = ['at-once.apart', 'vms.own-images'];
  const { clauses } = await runSuite({ ...scene, hypervisor: blind }, { only });
  const failed = clauses.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id);
  expect(failed.sort()).toEqual(only);
});

test('everything is deleted through the CPI after a failure', async () => {
  await using simulated = await simulatedScene();
  const { cloud, scene } = simulated;
  cloud.methods.get_disks = () => ['nonsense'];
  await runSuite(scene, { only: ['disks.list'] });
  expect([cloud.vms.size, cloud.disks.size, cloud.stemcells.size]).toEqual([0, 0, 0]);
});

test('a signal ends the run, and what was made is deleted', async () => {
  await using simulated = await simulatedScene();
  const { cloud, scene } = simulated;
  const interrupted = new AbortController();
  const onBegin = ({ id }: { id: string }) => {
    if (id !== 'disks.list') return;
    expect(cloud.vms.size).toBe(2);
    interrupted.abort(new Error('Ctrl-C'));
  };
  await expect(runSuite(scene, { signal: interrupted.signal, onBegin })).rejects.toThrow('Ctrl-C');
  expect([cloud.vms.size, cloud.disks.size, cloud.stemcells.size]).toEqual([0, 0, 0]);
});

test('what the CPI cannot delete is a clause that does not hold', async () => {
  await using simulated = await simulatedScene();
  const { cloud, scene } = simulated;
  cloud.methods.delete_vm = (cid) => {
    throw failure('CloudError', `${text(cid)} is busy`);
  };
  const { clauses } = await runSuite(scene, { only: ['vms.create', 'leaves-nothing.deleted'] });
  expect(clauses.find(({ id }) => id === 'leaves-nothing.deleted')?.finding).toEqual({
    expected: 'what could not be deleted to be []',
    seen: JSON.stringify([...cloud.vms.keys()].map((cid) => `vm ${cid}`)),
    road: 'wire',
  });
});

test.each([
  ['NoDiskSpace', 'passed', undefined],
  ['CloudError', 'skipped', 'a disk of a pebibyte meets another limit first: CloudError: too large'],
  [undefined, 'skipped', 'the CPI makes disks larger than its storage: it allots space when it is used'],
])('a huge disk on a storage of which nothing is known: %s is %s', async (type, outcome, reason) => {
  await using simulated = await simulatedScene();
  const { cloud, scene } = simulated;
  const { create_disk: honest } = cloud.methods;
  cloud.methods.create_disk = (_, ...args) => {
    if (type !== undefined) throw failure(type, 'too large');
    return honest?.(1, ...args);
  };
  const { cramped: __, ...unknown } = scene;
  const { clauses } = await runSuite(unknown, { only: ['unknown.space'] });
  expect(clauses.map((clause) => [clause.outcome, clause.reason])).toEqual([[outcome, reason]]);
  expect(cloud.disks.size).toBe(0);
});

test('of calls at the same time none is still under way when clearing begins', async () => {
  await using simulated = await simulatedScene();
  const { cloud, scene } = simulated;
  let [asked, answered] = [0, 0];
  const cpi: Scene['cpi'] = async (request, caller) => {
    if (!request.includes('"create_vm"')) return await scene.cpi(request, caller);
    asked += 1;
    if (asked === 1) return await scene.cpi('{"method":"no_such_method","arguments":[]}', caller);
    await pause(20);
    answered += 1;
    return await scene.cpi(request, caller);
  };
  const { clauses } = await runSuite({ ...scene, cpi }, { only: ['at-once.create', 'leaves-nothing'] });
  expect(clauses.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)).toEqual([
    'at-once.create',
  ]);
  expect([answered, cloud.vms.size]).toEqual([7, 0]);
});
