import { expect, test } from 'vitest';
import type { DiskCid, DiskDetails, StemcellCid, VmCid, VmDetails } from '../../../src/cpi/backend.ts';
import { instanceName, isLost, isStray } from '../../../src/environment/ownership.ts';

/** As real bosh and a real director write it (contract 1.7). */
const byCreateEnv = {
  deployment: 'work',
  job: 'machine',
  instance_group: 'machine',
  index: '0',
  director: 'bosh-init',
};
const byDirector = { deployment: 'cf', instance_group: 'diego-cell', index: '3', director: 'lite' };

test.each([
  ['create-env’s machine', byCreateEnv, 'machine/0'],
  ['a director’s VM', byDirector, 'cf/diego-cell/3'],
  ['a director’s disk', { deployment: 'cf', instance_group: 'db', instance_index: '1' }, 'cf/db/1'],
  ['a VM of an old director', { deployment: 'work', job: 'machine', index: '0' }, 'machine/0'],
  ['a VM without an index', { deployment: 'work', job: 'machine' }, 'machine'],
  ['a VM of which nobody has said anything', {}, undefined],
])('the name of %s', (_, metadata, name) => {
  expect(instanceName(metadata, 'work')).toBe(name);
});

const disk = (changes: Partial<DiskDetails> = {}): DiskDetails => ({
  cid: 'disk-1' as DiskCid,
  sizeBytes: 1,
  bytesOnDisk: 1,
  attachedTo: undefined,
  metadata: byCreateEnv,
  changedAt: new Date(0),
  ...changes,
});

test.each([
  ['that nobody names', disk(), [], true],
  ['of which nobody has said anything', disk({ metadata: {} }), [], true],
  ['that a VM has', disk({ attachedTo: 'vm-1' as VmCid }), [], false],
  ['that bosh’s state names', disk(), ['disk-1'], false],
  ['that a director has in its database', disk({ metadata: byDirector }), [], false],
])('a disk %s', (_, details, known, lost) => {
  expect(isLost(details, new Set(known))).toBe(lost);
});

const vm = (changes: Partial<VmDetails> = {}): VmDetails => ({
  cid: 'vm-1' as VmCid,
  environment: 'work',
  state: 'running',
  stemcell: 'sc-1' as StemcellCid,
  nics: [],
  disks: [],
  cpus: 1,
  memoryMb: 64,
  metadata: {},
  bytesOnDisk: 1,
  madeAt: new Date(0),
  ...changes,
});

test.each([
  ['that nobody has claimed', vm(), [], true],
  ['that bosh’s state names', vm(), ['vm-1'], false],
  ['that a bosh has claimed', vm({ metadata: byCreateEnv }), [], false],
  ['that somebody may be making', vm({ madeAt: new Date() }), [], false],
  ['of which nobody knows how old it is', vm({ madeAt: undefined }), [], false],
])('a VM %s', (_, details, known, stray) => {
  expect(isStray(details, new Set(known))).toBe(stray);
});
