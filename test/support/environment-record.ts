import type { EnvironmentRecord } from '../../src/environment/record.ts';

/** The record of an environment `work` that is up, with these changes. */
export const recordWith = (changes: Partial<EnvironmentRecord> = {}): EnvironmentRecord => ({
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
  ...changes,
});
