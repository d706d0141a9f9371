import { describe, expect, test } from 'vitest';
import { table } from '../../../src/command-line/format.ts';
import { keyValues } from '../../../src/command-line/key-values.ts';
import { linesOf } from '../../../src/command-line/lines.ts';
import { passedWords } from '../../../src/command-line/passed-words.ts';
import { renderTarget } from '../../../src/command-line/render-target.ts';

describe('render [ENV] WHAT', () => {
  const documents = ['manifest', 'vars'] as const;

  test.each([
    [['manifest'], { what: 'manifest', environment: undefined }],
    [['work', 'manifest'], { what: 'manifest', environment: 'work' }],
    [['manifest', 'work'], { what: 'manifest', environment: 'work' }],
    [['vars', 'manifest'], { what: 'manifest', environment: 'vars' }],
  ])('%j', (words, target) => {
    expect(renderTarget(words, documents)).toEqual(target);
  });

  test.each([
    [[], 'Which document?'],
    [['work'], "There is no document 'work'"],
    [['work', 'domain'], "There is no document 'work domain'"],
    [['work', 'manifest', 'more'], 'Unexpected argument: more'],
  ])('%j is refused', (words, message) => {
    expect(() => renderTarget(words, documents)).toThrow(message);
  });
});

describe('ssh [ENV] [-- COMMAND...]', () => {
  test.each([
    [[], { environment: undefined, command: [] }],
    [['work'], { environment: 'work', command: [] }],
    [['--debug', 'work'], { environment: 'work', command: [] }],
    [['--', 'ls', '-l'], { environment: undefined, command: ['ls', '-l'] }],
    [
      ['work', '--', 'sh', '-c', 'a -- b', '--'],
      { environment: 'work', command: ['sh', '-c', 'a -- b', '--'] },
    ],
  ])('%j', (argv, words) => {
    expect(passedWords('ssh', argv)).toEqual(words);
  });

  test('a command without the dashes is refused, and told how', () => {
    expect(() => passedWords('ssh', ['work', 'uname', '-a'])).toThrow(
      expect.objectContaining({
        message: 'Unexpected argument: uname',
        hints: [expect.stringContaining('boshvirt ssh work -- uname')],
      }),
    );
  });
});

describe('--var name=value', () => {
  test('splits at the first =', () => {
    expect(keyValues(['a=1', 'b=x=y', 'c='], '--var')).toEqual({ a: '1', b: 'x=y', c: '' });
  });

  test.each(['a', '=1', ''])("'%s' is refused", (word) => {
    expect(() => keyValues([word], '--var')).toThrow('--var');
  });
});

test('lines come whole, however the text was cut, also within a letter', async () => {
  const text = Buffer.from('one\r\ntwö\n\nend');
  async function* cutAt(at: number) {
    yield text.subarray(0, at);
    yield text.subarray(at);
  }
  for (let at = 0; at <= text.length; at += 1) {
    const lines: string[] = [];
    for await (const line of linesOf(cutAt(at))) lines.push(line);
    expect(lines).toEqual(['one', 'twö', '', 'end']);
  }
});

test('a table is as wide as its cells and has no blanks at its ends', () => {
  expect(
    table([
      ['NAME', 'STATE'],
      ['default', 'up'],
    ]),
  ).toBe('NAME     STATE\ndefault  up');
});
