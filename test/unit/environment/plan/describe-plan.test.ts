import { expect, test } from 'vitest';
import { describePlan } from '../../../../src/environment/plan/describe-plan.ts';
import type { Plan } from '../../../../src/environment/plan.ts';

const plan = (changes: Partial<Plan> = {}): Plan => ({
  environment: 'work',
  distance: 'remake',
  profile: 'machine',
  backend: { name: 'lxc', why: 'as asked for' },
  engine: 'builtin',
  libvirt: { uri: 'lxc:///system', host: 'system' },
  packages: [],
  objects: [
    { kind: 'network', act: 'start', detail: 'boshvirt-work' },
    { kind: 'machine', act: 'make anew', detail: '10.0.0.10' },
    { kind: 'persistent disk', act: 'change', detail: '1 GiB become 2 GiB' },
  ],
  lostSnapshots: ['first'],
  downloads: { artifacts: [], complete: true },
  manifest: {
    deployed: 'a\n',
    planned: 'b\n',
    diff: '--- deployed\n+++ planned\n-a\n+b\n',
    variables: ['key'],
  },
  room: { memory: { wantedMb: 256, freeMb: 128 }, disk: { wantedMb: 1024, freeMb: 4096, place: '/pool' } },
  ...changes,
});

test('a plan says what changes, what that takes, and where the manifest differs', () => {
  expect(describePlan(plan())).toBe(`Environment 'work' is not as asked for: up would change it.

profile  machine
backend  lxc: as asked for
libvirt  lxc:///system
engine   builtin

This host (+ make, ~ change):
~ network          start: boshvirt-work
~ machine          make anew: 10.0.0.10
~ persistent disk  1 GiB become 2 GiB
  Snapshots that go with the machine: first

Room that it takes:
  memory  256 MiB; 128 MiB free: too little, up would refuse
  disk    up to 1 GiB as it fills up; 4 GiB free in /pool

The manifest:
--- deployed
+++ planned
-a
+b
Variables of yours that change: key`);
});

test('where packages are missing, libvirt is looked for again', () => {
  const text = describePlan(plan({ packages: ['lxc', 'dnsmasq-base'] }));
  expect(text).toContain('libvirt  lxc:///system, looked for again once the packages are there\n');
  expect(text).toContain('\nPackages to install:\n  lxc dnsmasq-base\n');
});

test('what is new has no difference, what is as asked takes nothing', () => {
  const fresh = { deployed: undefined, planned: 'a\nb\n', diff: '', variables: [] };
  expect(describePlan(plan({ distance: 'new', manifest: fresh }))).toMatch(/manifest is new: 2 lines/);
  expect(describePlan(plan({ manifest: fresh }))).toContain('There is no manifest of what is deployed');
  const none = { wantedMb: 0, freeMb: 1 };
  const room = { memory: none, disk: { ...none, place: '/pool' } };
  const well = describePlan(plan({ distance: 'none', room, manifest: { ...fresh, deployed: 'a\nb\n' } }));
  expect(well).toContain('up would do nothing.');
  expect(well).toContain('It takes no more memory or disk than it has.\n\nThe manifest stays as it is.');
});

test('downloads are told with what is there already; without bosh-deployment not all are known', () => {
  const artifacts = [
    { name: 'bosh CLI 7', url: 'https://a', place: 'to be fetched', bytes: undefined },
    { name: 'release bpm/1', url: 'https://b', place: 'in the cache', bytes: 3 * 1024 ** 2 },
  ] as const;
  expect(describePlan(plan({ downloads: { artifacts, complete: true } }))).toContain(`
Downloads (+ to be fetched):
+ bosh CLI 7     to be fetched
  release bpm/1  in the cache, 3 MiB

`);
  const unknown = { deployed: undefined, planned: undefined, diff: '', variables: ['key'] };
  const text = describePlan(
    plan({ distance: 'new', manifest: unknown, downloads: { artifacts, complete: false } }),
  );
  expect(text).toContain('\n  what else is known once bosh-deployment is there\n');
  expect(text).toMatch(/\nThe manifest is known once bosh-deployment is there.\nVariables of yours .*: key$/);
});
