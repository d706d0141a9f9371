import { expect, test } from 'vitest';
import { lineLog, redactor } from '../../../src/platform/log.ts';

test('a line has time, level and text', () => {
  const lines: string[] = [];
  const log = lineLog((line) => lines.push(line));
  log.debug('one');
  log.info('two');
  log.warn('three');
  expect(lines.join('')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z debug one\n\S+ info two\n\S+ warn three\n$/);
});

test('secrets are cut out of every line, wherever and however often they occur', () => {
  const lines: string[] = [];
  lineLog((line) => lines.push(line), ['hunter22']).warn('hunter22 at https://u:hunter22@host/');
  expect(lines.join('')).toMatch(/ warn <redacted> at https:\/\/u:<redacted>@host\/\n$/);
});

test('a secret that holds another one goes as a whole', () => {
  expect(redactor(['pass', 'password'])('the password, the pass')).toBe('the <redacted>, the <redacted>');
});

test('signs that mean something in patterns mean nothing in secrets', () => {
  expect(redactor(['a.c$&*'])('a.c$&* abc$&*')).toBe('<redacted> abc$&*');
});

test('values too short to be told from words stay', () => {
  expect(redactor(['', 'abc'])('abc and more')).toBe('abc and more');
});
