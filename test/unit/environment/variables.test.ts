import { expect, test } from 'vitest';
import { readVariables } from '../../../src/environment/variables.ts';

test('typed values are read as bosh reads them', () => {
  const typed = { size: '2048', on: 'true', names: '[a, b]', day: '2026-01-02', word: 'a b', none: '' };
  expect(readVariables(typed)).toEqual({
    size: 2048,
    on: true,
    names: ['a', 'b'],
    day: '2026-01-02',
    word: 'a b',
    none: '',
  });
  expect(() => readVariables({ list: '[a' })).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('variable list is not YAML') }),
  );
});
