/**
 * Each clause can fail: CPIs of a simulated cloud, each with one fault, are found out by the clauses that are about it. An honest
 * one passes all, so that it is the lie that is found.
 */
import { describe, expect, test } from 'vitest';
import { runSuite } from '../../src/verify/run-suite.ts';
import type { Scene } from '../../src/verify/scene.ts';
import { sequences } from '../../src/verify/sequences/index.ts';
import { simulatedScene } from '../support/simulated-cloud/scene.ts';
import { callLiars } from './liars/calls.ts';
import { diskLiars } from './liars/disks.ts';
import type { Liar } from './liars/liar.ts';
import { stemcellLiars } from './liars/stemcells.ts';
import { vmLiars } from './liars/vms.ts';

/** Clauses that are skipped where nobody can look at the hypervisor. */
const probed = new Set(
  sequences.flatMap(({ clauses }) =>
    clauses.filter(({ needs }) => needs?.includes('hypervisor')).map(({ id }) => id),
  ),
);
const liars = [...callLiars, ...stemcellLiars, ...vmLiars, ...diskLiars];

test('an honest CPI passes every clause', async () => {
  await using simulated = await simulatedScene();
  const { clauses } = await runSuite(simulated.scene);
  expect(clauses.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
});

describe.each(liars)('$name', (liar) => {
  test.each(liar.breaks)('is found out by %s', async (clause) => {
    expect(await outcomeOf(clause, liar)).toBe('failed');
  });
  test.each(liar.needsProbe ? [] : liar.breaks.filter((id) => !probed.has(id)))(
    'is found out by %s where nobody can look at the hypervisor',
    async (clause) => {
      expect(await outcomeOf(clause, liar, 'hypervisor')).toBe('failed');
    },
  );
});

test('for each clause there is a liar', () => {
  const told = new Set(liars.flatMap(({ breaks }) => breaks));
  const all = sequences.flatMap(({ clauses }) => clauses.map(({ id }) => id));
  expect(all.filter((id) => !told.has(id))).toEqual([]);
  expect([...told].filter((id) => !all.includes(id))).toEqual([]);
});

/** Runs the clause against the liar, in a scene that may lack something. */
async function outcomeOf(clause: string, liar: Liar, lacking?: keyof Scene) {
  await using simulated = await simulatedScene();
  const { cloud, scene: honest } = simulated;
  liar.tell(cloud);
  const { [lacking ?? 'absent']: _, ...scene } = { ...honest, ...liar.scene?.(honest) };
  const { clauses } = await runSuite({ ...scene, absent: {} } as Scene, {
    only: [clause, ...(liar.besides ?? [])],
  });
  return clauses.find(({ id }) => id === clause)?.outcome;
}
