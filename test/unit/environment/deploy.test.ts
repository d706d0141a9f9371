import { expect, test } from 'vitest';
import { deploySource } from '../../../src/environment/deploy.ts';
import { recordWith } from '../../support/environment-record.ts';

test("a person's variables keep their types, and win over boshvirt's", () => {
  const record = recordWith({ vars: { vm_cpus: 5, list: ['a'] } });
  const { vars } = deploySource(record, { path: '/stemcell.tgz', sha1: '' }, 'boshvirt');
  expect(vars).toMatchObject({ vm_cpus: 5, list: ['a'], vm_memory_mb: record.resources.memoryMb });
});
