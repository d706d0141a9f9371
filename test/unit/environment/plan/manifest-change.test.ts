import { expect, test } from 'vitest';
import { manifestChange } from '../../../../src/environment/plan/manifest-change.ts';

const lines = (...words: string[]) => words.map((word) => `${word}\n`).join('');

test('a change is a unified diff with some lines around it', () => {
  const before = lines('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j');
  const { diff } = manifestChange(before, before.replace('f\n', 'F\nnew\n'), {}, {});
  expect(diff).toBe(
    lines(
      '--- deployed',
      '+++ planned',
      '@@ -2,9 +2,10 @@',
      ' b',
      ' c',
      ' d',
      ' e',
      '-f',
      '+F',
      '+new',
      ' g',
      ' h',
      ' i',
      ' j',
    ),
  );
});

test('without a change, or a manifest to compare with, there is none', () => {
  expect(manifestChange('a\n', 'a\n', {}, {}).diff).toBe('');
  expect(manifestChange(undefined, 'a\n', {}, {})).toMatchObject({
    deployed: undefined,
    planned: 'a\n',
    diff: '',
  });
});

test('of variables of the user’s own the names are told, and no values', () => {
  const change = manifestChange(
    'a\n',
    'a\n',
    { same: { x: [1] }, gone: 1, other: 'old' },
    { same: { x: [1] }, other: 'new', added: 1 },
  );
  expect(change.variables).toEqual(['added', 'gone', 'other']);
  expect(JSON.stringify(change)).not.toMatch(/old|new/);
});
