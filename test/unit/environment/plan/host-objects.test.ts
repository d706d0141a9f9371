import { describe, expect, test } from 'vitest';
import type { VmCid, VmFacts } from '../../../../src/cpi/backend.ts';
import { hostObjects } from '../../../../src/environment/plan/host-objects.ts';
import { recordWith } from '../../../support/environment-record.ts';

type Situation = Parameters<typeof hostObjects>[0];

const vm = 'vm-1' as VmCid;
const inventoryWith = (state: VmFacts['state'] | undefined, isActive = true) => ({
  vms: state === undefined ? [] : [{ cid: vm, state } as VmFacts],
  storageActive: isActive,
  networkActive: isActive,
});
const record = recordWith();

/** An environment that is up and as asked for, but for these changes; what `up` does, by kind. */
function acts(changes: Partial<Situation> = {}): Record<string, string> {
  const wellAndUp: Situation = {
    ...{ wanted: record, before: record, distance: 'none' },
    otherHosts: { names: [], joined: true },
    ...{ hostRuns: true, inventory: inventoryWith('running'), vm, cpiServer: undefined, director: undefined },
  };
  return Object.fromEntries(hostObjects({ ...wellAndUp, ...changes }).map(({ kind, act }) => [kind, act]));
}

const kept = { 'storage pool': 'keep', network: 'keep', machine: 'keep', 'persistent disk': 'keep' };
const nothing = { before: undefined, distance: 'new', inventory: undefined, vm: undefined } as const;

describe('a machine', () => {
  test('that is as asked for is kept, one that is not there made', () => {
    expect(acts()).toEqual(kept);
    expect(acts(nothing)).toEqual({
      ...{ 'storage pool': 'make', network: 'make', machine: 'make', 'persistent disk': 'make' },
    });
  });

  test.each([
    ['off', 'start'],
    ['paused', 'start'],
    ['running', 'keep'], // its agent is silent
    [undefined, 'make anew'],
  ] as const)('to be repaired that is %s: %s', (state, act) => {
    expect(acts({ distance: 'repair', inventory: inventoryWith(state) })).toEqual({ ...kept, machine: act });
  });

  test('of another size is made anew, and its disk grows', () => {
    const wanted = recordWith({ resources: { ...record.resources, persistentDiskMb: 4096 } });
    const changes = { wanted, distance: 'remake' } as const;
    expect(acts(changes)).toEqual({ ...kept, machine: 'make anew', 'persistent disk': 'change' });
    const none = recordWith({ resources: { ...record.resources, persistentDiskMb: 0 } });
    expect(acts({ wanted: none })).not.toHaveProperty('persistent disk');
  });

  test('whose network and storage are off has them started', () => {
    const changes = { distance: 'repair', inventory: inventoryWith('off', false) } as const;
    expect(acts(changes)).toMatchObject({ 'storage pool': 'start', network: 'start', machine: 'start' });
  });
});

test('a private host is made, started or kept', () => {
  const wanted = recordWith({ host: 'private' });
  const host = (changes: Partial<Situation>) => acts({ wanted, ...changes })['private libvirt host'];
  const down = { hostRuns: false, inventory: undefined, distance: 'repair' } as const;
  expect([host({}), host(down), host({ ...nothing, hostRuns: false }), host(nothing)]).toEqual([
    ...['keep', 'start', 'make', 'keep'],
  ]);
  expect(acts({ wanted, ...down })).toMatchObject({ machine: 'start' });
});

test('lite has a route and names, of which the names may change', () => {
  const workload = { cidr: '10.244.0.0/16', router: '10.244.0.34', domain: 'bosh.test' };
  const before = recordWith({ workload });
  const wanted = recordWith({ workload: { ...workload, domain: 'other.test' } });
  expect(acts({ before, wanted: before })).toMatchObject({ route: 'keep', names: 'keep' });
  expect(acts({ before, wanted })).toMatchObject({ route: 'keep', names: 'change' });
  expect(acts({ ...nothing, wanted })).toMatchObject({ route: 'make', names: 'make' });
});

test('a director has its inputs, and one that makes VMs is served the CPI', () => {
  const directors = (['nothing', 'the same', 'another'] as const).map(
    (director) => acts({ director }).director,
  );
  expect(directors).toEqual(['make', 'keep', 'change']);
  const served = (state: 'running' | 'outdated' | 'down', changes: Partial<Situation> = {}) =>
    acts({ ...changes, cpiServer: { state, url: 'https://10.0.0.1:6870' } })['CPI server'];
  expect([served('running'), served('outdated'), served('down', nothing)]).toEqual(['keep', 'start', 'make']);
});

test('other hosts are joined again where their way is gone', () => {
  const hosts = (joined: boolean) => acts({ otherHosts: { names: ['second'], joined } })['other hosts'];
  expect([hosts(true), hosts(false)]).toEqual(['keep', 'start']);
});
