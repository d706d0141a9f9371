import { expect, test } from 'vitest';
import { refuseShortMemory } from '../../../src/environment/memory.ts';
import type { EnvironmentRecord } from '../../../src/environment/record.ts';

/** More than any machine has. */
const vastMb = 2 ** 40;

const withMemory = (
  memoryMb: number,
  phase: EnvironmentRecord['phase'] = 'preparing',
): EnvironmentRecord => ({
  version: 1,
  name: 'default',
  backend: 'qemu',
  profile: 'machine',
  engine: 'builtin',
  uri: 'qemu:///system',
  host: 'system',
  network: { name: 'n', bridge: 'b', cidr: '192.168.77.0/24', gateway: '192.168.77.1', ip: '192.168.77.10' },
  pool: { name: 'p', path: '/p' },
  resources: { cpus: 1, memoryMb, ephemeralDiskMb: 1024, persistentDiskMb: 1024 },
  ops: [],
  varsFiles: [],
  vars: {},
  phase,
});

test('a machine that would not find its memory is refused', async () => {
  await expect(refuseShortMemory(withMemory(vastMb), undefined)).rejects.toMatchObject({
    code: 'NO_RESOURCES',
  });
  const grown = refuseShortMemory(withMemory(2 * vastMb), withMemory(vastMb, 'up'));
  await expect(grown).rejects.toMatchObject({ code: 'NO_RESOURCES' });
});

test.each(['up', 'preparing'] as const)('one that may have it already is not (%s)', async (phase) => {
  await refuseShortMemory(withMemory(vastMb), withMemory(vastMb, phase));
});
