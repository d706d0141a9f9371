import { expect, test } from 'vitest';
import { callOf, wordsOf } from '../../../../src/clients/libvirt/call.ts';

const domain = { name: 'vm-1', uuid: 'ab'.repeat(16), id: -1 };
const pool = { name: 'p1', uuid: 'cd'.repeat(16) };

test.each([
  ['capabilities', {}, 'capabilities'],
  ['domainDefine', { xml: '<domain/>', flags: 0 }, 'domainDefine'],
  ['domainByName', { name: 'vm-1' }, "domainByName of 'vm-1'"],
  ['volumeByPath', { path: '/x' }, "volumeByPath of path '/x'"],
  ['domainDestroy', { domain, flags: 0 }, "domainDestroy of domain 'vm-1'"],
  ['domainBlockResize', { domain, disk: 'vdb' }, "domainBlockResize of disk 'vdb' of domain 'vm-1'"],
  [
    'snapshotDelete',
    { snapshot: { name: 's1', domain } },
    "snapshotDelete of snapshot 's1' of domain 'vm-1'",
  ],
  ['volumeByName', { pool, name: 'v' }, "volumeByName of 'v' of pool 'p1'"],
  ['volumeInfo', { volume: { pool: 'p1', name: 'v' } }, "volumeInfo of volume 'v' of pool 'p1'"],
  ['eventRegister', { event: 0, domain: undefined }, 'eventRegister'],
])('%s is told with what it was called on', (procedure, args, words) => {
  expect(wordsOf(callOf(procedure, args))).toBe(words);
});
