import { describe, expect, test } from 'vitest';
import { backendNames } from '../../../src/cpi/backends/registry.ts';
import { refuseUnknown } from '../../../src/environment/decide.ts';
import {
  refuseImpossible,
  refuseMove,
  resolveResources,
  sizes,
} from '../../../src/environment/up-settings.ts';
import { recordWith } from '../../support/environment-record.ts';

const record = recordWith();
const workload = { cidr: '10.244.0.0/16', router: '10.244.0.34', domain: 'bosh.test' };

describe('resources', () => {
  test('are tiny if nobody says more, and with a director what it works with', () => {
    expect(resolveResources({ profile: 'machine' }, undefined)).toEqual(sizes.tiny);
    expect(resolveResources({}, undefined)).toEqual(sizes.dev);
  });

  test('stay as they were', () => {
    expect(resolveResources({}, record)).toEqual(record.resources);
  });

  test('follow a size by name, and single wishes over it', () => {
    expect(resolveResources({ size: 'dev', memoryMb: 5000 }, record)).toEqual({
      ...sizes.dev,
      memoryMb: 5000,
    });
    expect(resolveResources({ persistentDiskMb: 4000 }, record)).toEqual({
      ...record.resources,
      persistentDiskMb: 4000,
    });
  });
});

test('too little memory for any machine is refused before anything is made', () => {
  expect(() => refuseImpossible({ memoryMb: 63 })).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('63 MiB') }),
  );
  for (const request of [{}, { memoryMb: 64 }]) expect(() => refuseImpossible(request)).not.toThrow();
});

describe('an environment that stands', () => {
  test('may be asked for what it is', () => {
    const same = { backend: 'qemu', profile: 'machine', uri: 'qemu:///system', cidr: '192.168.77.0/24' };
    expect(() => refuseMove(same, record)).not.toThrow();
    const auto = { backend: 'auto', cidr: 'auto', workloadCidr: 'auto' };
    expect(() => refuseMove(auto, recordWith({ workload }))).not.toThrow();
  });

  test.each([
    [{ backend: 'lxc' }, '--backend qemu'],
    [{ uri: 'qemu:///session' }, '--uri qemu:///system'],
    [{ cidr: '192.168.78.0/24' }, '--network 192.168.77.0/24'],
    [{ ip: '192.168.77.11' }, '--ip 192.168.77.10'],
    [{ workloadCidr: '10.245.0.0/16' }, '--workload-cidr 10.244.0.0/16'],
  ])('cannot become %j', (request, stands) => {
    expect(() => refuseMove(request, recordWith({ workload }))).toThrow(stands);
  });
});

test.each([
  [{ profile: 'heavy' }, "no profile 'heavy'"],
  [{ backend: 'vmware' }, "no backend 'vmware'"],
])('%j is UNSUPPORTED', (request, message) => {
  expect(() => refuseUnknown(request)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(message) }),
  );
});

test.each([{}, { profile: 'machine', backend: 'auto' }, ...backendNames.map((backend) => ({ backend }))])(
  '%j is supported',
  (request) => {
    expect(() => refuseUnknown(request)).not.toThrow();
  },
);
