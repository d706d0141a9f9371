import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { errorText, exitStatusOf } from '../../../src/command-line/failures.ts';
import { Interrupted } from '../../../src/command-line/interrupts.ts';
import { BugError, exitStatus, ToolError, UserError } from '../../../src/platform/errors.ts';
import { packageRoot } from '../../../src/platform/package-root.ts';

const failureOf = async (act: Promise<unknown>): Promise<unknown> =>
  await act.then(
    () => undefined,
    (error: unknown) => error,
  );

test('what a person can mend comes with what to do and without a stack', () => {
  const error = new UserError('LOCKED', 'held', { hints: ['wait', 'or end it'] });
  expect(errorText(error)).toBe('Error: held\n  → wait\n  → or end it\n');
  expect(exitStatusOf(error)).toBe(71);
});

test('every code has a status of its own', () => {
  const statuses = Object.values(exitStatus);
  expect(new Set(statuses).size).toBe(statuses.length);
  expect(exitStatusOf(new ToolError('CREATE_ENV', 'x'))).toBe(exitStatus.CREATE_ENV);
});

test('a folder that is not ours, or none, is no bug of ours', async () => {
  const error = await failureOf(mkdir('/dev/null/here'));
  expect(exitStatusOf(error)).toBe(exitStatus.PERMISSION);
  expect(errorText(error)).not.toContain('bug');
});

test('a full disk is no bug of ours, though Node does not name the file', async () => {
  const error = await failureOf(writeFile('/dev/full', 'x'));
  expect(error).not.toHaveProperty('path');
  expect(exitStatusOf(error)).toBe(exitStatus.NO_RESOURCES);
  expect(errorText(error)).toContain('the file system is full');
});

test.each([
  ['a thrown nothing', undefined],
  ['a TypeError', new TypeError('x is not a function')],
  ['our own', new BugError('an invariant broke')],
])('%s is a bug: stack and a request', (_, error) => {
  expect(exitStatusOf(error)).toBe(1);
  expect(errorText(error)).toContain('please report it');
});

test('a file that we failed to expect is a bug', async () => {
  expect(exitStatusOf(await failureOf(readFile('/nowhere/at/all')))).toBe(1);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends with %d and says how to go on', (signal, status) => {
  const error = new Interrupted(signal);
  expect(exitStatusOf(error)).toBe(status);
  expect(errorText(error)).toBe(
    `Error: interrupted by ${signal}; run the same command again and it goes on from there\n`,
  );
});

test('docs/exit-codes.md tells every code with its status', async () => {
  const text = await readFile(join(packageRoot(), 'docs/exit-codes.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+)[\d, ]* \| `(\w+)` \|/gm)];
  expect(Object.fromEntries(rows.map(([, status, code]) => [code, Number(status)]))).toEqual(exitStatus);
});
