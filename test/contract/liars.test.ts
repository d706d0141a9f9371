import { expect, test } from 'vitest';
import { runSuite } from '../../src/verify/run-suite.ts';
import { simulatedScene } from '../support/simulated-cloud/scene.ts';

test('an honest CPI passes every clause', async () => {
  await using simulated = await simulatedScene();
  const { clauses } = await runSuite(simulated.scene);
  expect(clauses.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
});
