import { describe, expect, test } from 'vitest';
import { refuseUnknown } from '../../../src/environment/decide.ts';
import type { EnvironmentRecord } from '../../../src/environment/record.ts';
import { refuseMove, resolveResources, sizes } from '../../../src/environment/up-settings.ts';

const record: EnvironmentRecord = {
  version: 1,
  name: 'work',
  backend: 'qemu',
  profile: 'machine',
  engine: 'builtin',
  uri: 'qemu:///system',
  host: 'system',
  network: {
    name: 'boshvirt-work',
    bridge: 'bv-work',
    cidr: '192.168.77.0/24',
    gateway: '192.168.77.1',
    ip: '192.168.77.10',
  },
  pool: { name: 'boshvirt-work', path: '/pool' },
  resources: { cpus: 3, memoryMb: 700, ephemeralDiskMb: 2000, persistentDiskMb: 3000 },
  ops: [],
  varsFiles: [],
  vars: {},
  phase: 'up',
};

describe('resources', () => {
  test('are tiny if nobody says more', () => {
    expect(resolveResources({}, undefined)).toEqual(sizes.tiny);
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

describe('an environment that stands', () => {
  test('may be asked for what it is', () => {
    const same = { backend: 'qemu', profile: 'machine', uri: 'qemu:///system', cidr: '192.168.77.0/24' };
    expect(() => refuseMove(same, record)).not.toThrow();
    expect(() => refuseMove({ backend: 'auto', cidr: 'auto' }, record)).not.toThrow();
  });

  test.each([
    [{ backend: 'lxc' }, '--backend qemu'],
    [{ uri: 'qemu:///session' }, '--uri qemu:///system'],
    [{ cidr: '192.168.78.0/24' }, '--network 192.168.77.0/24'],
    [{ ip: '192.168.77.11' }, '--ip 192.168.77.10'],
  ])('cannot become %j', (request, stands) => {
    expect(() => refuseMove(request, record)).toThrow(stands);
  });
});

test.each([
  [{ profile: 'lite' }, "no profile 'lite'"],
  [{ backend: 'vmware' }, "no backend 'vmware'"],
  [{ uri: 'lxc:///system' }, "no driver for libvirt 'lxc'"],
  [{ uri: 'vbox:///session' }, "no driver for libvirt 'vbox'"],
])('%j is UNSUPPORTED', (request, message) => {
  expect(() => refuseUnknown(request)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(message) }),
  );
});

test.each([
  {},
  { profile: 'machine', backend: 'auto' },
  { uri: 'qemu+ssh://host/system' },
  { uri: 'qemu:///session' },
])('%j is supported', (request) => {
  expect(() => refuseUnknown(request)).not.toThrow();
});
