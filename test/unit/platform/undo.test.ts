import { expect, test } from 'vitest';
import { silentLog } from '../../../src/platform/log.ts';
import { Undo } from '../../../src/platform/undo.ts';

/** Runs work that arms three steps and then fails or succeeds; gives what was taken back and what the log says. */
async function work(outcome: 'fails' | 'succeeds', broken?: string) {
  const undone: string[] = [];
  const warnings: string[] = [];
  const act = async () => {
    await using undo = new Undo({ ...silentLog, warn: (line) => warnings.push(line) });
    for (const step of ['network', 'disk', 'machine']) {
      undo.defer(`delete the ${step}`, async () => {
        undone.push(step);
        if (step === broken) throw new Error(`${step} is stuck`, { cause: new Error('it is in use') });
      });
    }
    if (outcome === 'fails') throw new Error('the first error');
    undo.keep();
  };
  const error = await act().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { undone, warnings, error };
}

test('what failed is taken back, last first', async () => {
  expect(await work('fails')).toEqual({
    undone: ['machine', 'disk', 'network'],
    warnings: [],
    error: new Error('the first error'),
  });
});

test('what succeeded stays', async () => {
  expect(await work('succeeds')).toEqual({ undone: [], warnings: [], error: undefined });
});

test('a step that cannot be taken back is logged with its causes; the others are, and the first error comes out', async () => {
  expect(await work('fails', 'disk')).toEqual({
    undone: ['machine', 'disk', 'network'],
    warnings: ['undo: delete the disk: disk is stuck: it is in use'],
    error: new Error('the first error'),
  });
});
