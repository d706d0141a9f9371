import { expect, test } from 'vitest';
import { refuseMixed } from '../../../../src/environment/hosts/decide-host.ts';
import type { HostsRecord } from '../../../../src/environment/hosts/hosts-record.ts';
import { planHost, planSshHost } from '../../../../src/environment/hosts/plan-host.ts';

const facts = { name: 'box', port: 4789, near: '10.0.0.1', far: '10.0.0.2', underlay: 'machine' } as const;
const ssh = planSshHost('work', 'a', {
  ...facts,
  uri: 'qemu+ssh://box/system',
  backend: 'qemu',
  options: {},
});
const served = {
  ...planHost('work', 'a', facts),
  kind: 'served' as const,
  served: { url: '', ca: '', certificate: '', private_key: '' },
};
const having = (...hosts: HostsRecord['hosts']): HostsRecord => ({ version: 1, id: 'a', hosts });

test('on a private host all hosts are of one kind, unless ssh leaves by the network of its bridges', () => {
  const own = { host: 'private' } as const;
  const refused = expect.objectContaining({ code: 'UNSUPPORTED' });
  expect(() => refuseMixed(own, having(ssh), { kind: 'served', underlay: 'machine' })).toThrow(refused);
  expect(() => refuseMixed(own, having(served), { kind: 'ssh', underlay: 'machine' })).toThrow(refused);
  refuseMixed(own, having(served), { kind: 'ssh', underlay: 'bridges' });
  refuseMixed(own, having(ssh), { kind: 'ssh', underlay: 'machine' });
  refuseMixed(own, having(served), { kind: 'served', underlay: 'machine' });
  refuseMixed({ host: 'system' }, having(served), { kind: 'ssh', underlay: 'machine' });
});
