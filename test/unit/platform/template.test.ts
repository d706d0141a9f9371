import { expect, test } from 'vitest';
import { BugError } from '../../../src/platform/errors.ts';
import { escapeXml, fillTemplate, markup } from '../../../src/platform/template.ts';

// a template with one hole
const name = 'private-host/libvirtd.conf';
const filled = (uuid: Parameters<typeof fillTemplate>[1][string]) =>
  /host_uuid = "(.*)"/.exec(fillTemplate(name, { uuid }))?.[1];

test('text is escaped, markup goes in as it is', () => {
  expect(filled(`<a b='c'>"&"`)).toBe('&lt;a b=&apos;c&apos;&gt;&quot;&amp;&quot;');
  expect(filled(markup(['<a/>', '<b/>']))).toBe('<a/><b/>');
  expect(filled(7)).toBe('7');
});

test('what is filled in is not filled again', () => {
  expect(filled('{{uuid}} $& $1')).toBe('{{uuid}} $&amp; $1');
});

test('a hole without a value and a value without a hole are bugs that name both', () => {
  expect(() => fillTemplate(name, {})).toThrow(BugError);
  expect(() => fillTemplate(name, {})).toThrow(`${name} has a hole {{uuid}} that nothing fills`);
  const tooMuch = { uuid: 'x', nmae: 'y' };
  expect(() => fillTemplate(name, tooMuch)).toThrow(BugError);
  expect(() => fillTemplate(name, tooMuch)).toThrow(`${name} has no hole for nmae`);
});

test('what XML cannot hold is replaced, and all else stays', () => {
  expect(escapeXml('a\0b\u001b\uFFFF\uD800c')).toBe('a\uFFFDb\uFFFD\uFFFD\uFFFDc');
  expect(escapeXml('é\t\n😀')).toBe('é\t\n😀');
});

test('an escaped ampersand is escaped again: it was text', () => {
  expect(escapeXml('&amp;')).toBe('&amp;amp;');
});
