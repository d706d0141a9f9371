import { expect, test } from 'vitest';
import type { DiskCid, DiskDetails, VmCid, VmDetails } from '../../../src/cpi/backend.ts';
import { besides, lossOfDown } from '../../../src/environment/loss-of-down.ts';
import { silentLog } from '../../../src/platform/log.ts';
import { recordWith } from '../../support/environment-record.ts';

const vm = (cid: string, index = 0): VmDetails =>
  ({
    cid: cid as VmCid,
    metadata: { deployment: 'cf', instance_group: 'api', index },
  }) as unknown as VmDetails;
const disk = (cid: string, attachedTo?: string): DiskDetails =>
  ({ cid: cid as DiskCid, attachedTo }) as unknown as DiskDetails;

test('the machine alone is not told of twice', () => {
  const census = { vms: [vm('vm-1')], disks: [disk('disk-1', 'vm-1')] };
  expect(besides(census, 'vm-1' as VmCid, 'work')).toBe('');
});

test("a director's VMs and disks are told by number, and some by name", () => {
  const others = Array.from({ length: 7 }, (_, at) => vm(`vm-${at + 2}`, at));
  const census = { vms: [vm('vm-1'), ...others], disks: [disk('disk-1', 'vm-1'), disk('disk-2')] };
  expect(besides(census, 'vm-1' as VmCid, 'work')).toBe(
    ', 7 VMs (cf/api/0, cf/api/1, cf/api/2, cf/api/3, cf/api/4, …) and 1 disk of its deployments',
  );
  expect(besides({ vms: [vm('vm-1')], disks: [disk('disk-2')] }, undefined, 'work')).toMatch(/^, 1 VM \(/);
  expect(besides({ vms: [], disks: [disk('disk-2')] }, undefined, 'work')).toBe(
    ', 0 VMs and 1 disk of its deployments',
  );
});

test.each([
  ['machine', 'the machine at 192.168.77.10, its disks and snapshots, network boshvirt-work'],
  [
    'lite',
    'the director at 192.168.77.10, all that is deployed in it, its disks and snapshots, network boshvirt-work',
  ],
] as const)('of %s it is said what goes', async (profile, words) => {
  expect(await lossOfDown(recordWith({ profile }), silentLog)).toBe(words);
});

test('where the hypervisor cannot be asked, it is said that all goes', async () => {
  const record = recordWith({ profile: 'director', uri: 'qemu:///system?socket=/nowhere/at/all' });
  expect(await lossOfDown(record, silentLog)).toContain('all VMs and disks that it has made');
});
