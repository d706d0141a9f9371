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
});

test('of what is no YAML it is said where it goes wrong, and not what it is: it may be a secret', () => {
  const failure = () => readVariables({ list: '[hunter2' });
  expect(failure).toThrow(
    expect.objectContaining({
      code: 'USAGE',
      message: expect.stringMatching(/^variable list is not YAML: .* at line 1, column 9$/),
    }),
  );
  expect(failure).not.toThrow('hunter2');
});

test.each([
  ['-----BEGIN KEY-----\nMIIE\n-----END KEY-----\n', '-----BEGIN KEY-----\nMIIE\n-----END KEY-----\n'],
  ['pass #word', 'pass #word'],
  ['a\nb', 'a\nb'],
  [' padded ', ' padded '],
  ['"2048"', '2048'],
  ["'it''s'", "it''s"],
  ['"x\\ny"', 'x\\ny'],
])('the text %j stays as it was typed', (typed, value) => {
  expect(readVariables({ text: typed })).toEqual({ text: value });
});

test('a number of which digits would be lost is refused, without its value', () => {
  const failure = () => readVariables({ password: '12345678901234567890' });
  expect(failure).toThrow('variable password is a number with too many digits');
  expect(failure).not.toThrow('1234567890');
  expect(readVariables({ password: '"12345678901234567890"' })).toEqual({ password: '12345678901234567890' });
});
