import { expect, test } from 'vitest';
import { pause, waitFor } from '../../../src/platform/retry.ts';

test('it asks until there is an answer, also one that is falsy', async () => {
  const answers = [undefined, undefined, 0, 1];
  const found = await waitFor(async () => answers.shift(), { timeoutMs: 10_000, intervalMs: 1 });
  expect([found, answers]).toEqual([0, [1]]);
});

test('without time it asks once', async () => {
  let asked = 0;
  const probe = async () => {
    asked += 1;
    return undefined;
  };
  expect(await waitFor(probe, { timeoutMs: 0 })).toBeUndefined();
  expect(asked).toBe(1);
});

test('it gives up when the time has run out', async () => {
  expect(await waitFor(async () => undefined, { timeoutMs: 20, intervalMs: 1 })).toBeUndefined();
});

test('an error of the question ends the wait', async () => {
  const probe = async () => {
    throw new Error('no such thing');
  };
  await expect(waitFor(probe, { timeoutMs: 10_000 })).rejects.toThrow('no such thing');
});

test('an aborted signal ends a wait and a pause with its reason, also in mid-sleep', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const day = 24 * 3_600_000;
  const waits = [
    waitFor(async () => undefined, { timeoutMs: day, intervalMs: day, signal }),
    pause(day, signal),
  ];
  const settled = Promise.allSettled(waits);
  controller.abort(new Error('Ctrl-C'));
  expect(await settled).toEqual(waits.map(() => ({ status: 'rejected', reason: new Error('Ctrl-C') })));
  await expect(waitFor(async () => 1, { timeoutMs: 0, signal })).rejects.toThrow('Ctrl-C');
});
