import { expect, test } from 'vitest';
import { type RawAnswer, readAnswer } from '../../../src/verify/exchange.ts';

const raw = (stdout: string, rest: Partial<RawAnswer> = {}): RawAnswer => ({
  stdout,
  stderr: '',
  exitCode: 0,
  heldOpen: false,
  ...rest,
});
const good = '{"result":true,"error":null,"log":""}';
const error = { type: 'Bosh::Clouds::VMNotFound', message: 'gone', ok_to_retry: false };
const rulesOf = (answer: RawAnswer) => readAnswer(answer).defects.map(({ rule }) => rule);

test('a good answer has no defect, with or without an end of line', () => {
  for (const text of [good, `${good}\n`, `\n ${good}`]) {
    expect(readAnswer(raw(text))).toEqual({
      answer: { result: true, error: undefined, log: '' },
      defects: [],
    });
  }
  const failed = readAnswer(raw(JSON.stringify({ result: null, error, log: '' })));
  expect(failed).toEqual({ answer: { result: null, error, log: '' }, defects: [] });
});

test('what is wrong with the form of an answer does not hide what it says', () => {
  expect(readAnswer(raw(`${good}\ndone\n`)).answer?.result).toBe(true);
  expect(rulesOf(raw(`starting\n${good}\n`))).toEqual(['document']);
  expect(rulesOf(raw(good, { exitCode: 1 }))).toEqual(['exit']);
  expect(rulesOf(raw(good, { heldOpen: true }))).toEqual(['streams']);
});

test.each([
  ['{"result":true,"error":null}', "no key 'log'"],
  ['{"result":true,"log":""}', "no key 'error'"],
  ['{"result":true,"error":null,"log":null}', 'log is null, not a string'],
  ['{"result":null,"error":"bad","log":""}', 'error is "bad"'],
  [
    '{"result":null,"error":{"type":"X","ok_to_retry":false},"log":""}',
    'error.message is null, not a string',
  ],
  [
    '{"result":null,"error":{"type":"X","message":"m"},"log":""}',
    'error.ok_to_retry is null, not true or false',
  ],
  [
    '{"result":null,"error":{"type":"X","message":"m","ok_to_retry":"no"},"log":""}',
    'error.ok_to_retry is "no", not true or false',
  ],
])('%s: %s', (text, what) => {
  expect(readAnswer(raw(text)).defects).toEqual([{ rule: 'keys', what }]);
});

test.each(['', 'panic: nil pointer', '[]', 'true', '"text"'])('%j is no answer', (text) => {
  const { answer, defects } = readAnswer(raw(text));
  expect([answer, defects.map(({ rule }) => rule)]).toEqual([undefined, ['document']]);
});
