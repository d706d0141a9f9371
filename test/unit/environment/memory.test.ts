import { expect, test } from 'vitest';
import { refuseShortMemory } from '../../../src/environment/memory.ts';
import type { EnvironmentRecord } from '../../../src/environment/record.ts';
import { recordWith } from '../../support/environment-record.ts';

/** More than any machine has. */
const vastMb = 2 ** 40;

const withMemory = (memoryMb: number, phase: EnvironmentRecord['phase'] = 'preparing') =>
  recordWith({ phase, resources: { ...recordWith().resources, memoryMb } });

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
