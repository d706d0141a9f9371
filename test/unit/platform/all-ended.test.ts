import { expect, test } from 'vitest';
import { allEnded } from '../../../src/platform/all-ended.ts';

test('gives all results in order', async () => {
  expect(await allEnded([Promise.resolve(1), 'two', Promise.resolve(undefined)])).toEqual([
    1,
    'two',
    undefined,
  ]);
});

test('throws the first error in order, and not before the last work has ended', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let ended = false;
  const slow = promise.then(() => {
    ended = true;
    throw new Error('slow');
  });
  const all = allEnded([slow, Promise.reject(new Error('quick'))]).catch((error: Error) => [
    ended,
    error.message,
  ]);
  expect(await Promise.race([all, new Promise((wake) => setImmediate(() => wake('waits')))])).toBe('waits');
  resolve();
  expect(await all).toEqual([true, 'slow']);
});
