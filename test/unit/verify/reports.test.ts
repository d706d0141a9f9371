import { parseXml, type XmlElement } from '@rgrove/parse-xml';
import { describe, expect, test } from 'vitest';
import { type ClauseReport, summarise } from '../../../src/verify/report.ts';
import { junitXml } from '../../../src/verify/reports/junit.ts';
import { clauseLines, summaryLine, wrap } from '../../../src/verify/reports/terminal.ts';

const facts = { section: '1.3', sequence: 'director', durationMs: 1234 };
const passed: ClauseReport = { ...facts, id: 'vms.create', title: 'VMs are made', outcome: 'passed' };
const skipped: ClauseReport = {
  ...facts,
  id: 'resize.grow',
  title: 'A disk grows',
  outcome: 'skipped',
  reason: 'resize_disk answers NotImplemented, which the contract allows',
};
const failed: ClauseReport = {
  ...facts,
  id: 'disks.attach',
  title: 'A disk attached to a running VM is a device of its size in the guest',
  outcome: 'failed',
  finding: { expected: 'a device of 64 MiB', seen: 'none <&"\u0000>', road: 'guest' },
  calls: [{ method: 'attach_disk', arguments: `["vm-1","${'x'.repeat(150)}"]`, answer: '{"result":null}' }],
};
const report = summarise([passed, skipped, failed]);

describe('for a terminal', () => {
  test('a clause that holds is its sentence', () => {
    expect(clauseLines(passed, { colour: false })).toBe('  ok   VMs are made [vms.create]');
  });

  test('a skipped one says why', () => {
    expect(clauseLines(skipped, { colour: false })).toBe(
      [
        '  skip A disk grows [resize.grow]',
        '       why       resize_disk answers NotImplemented, which the contract allows',
      ].join('\n'),
    );
  });

  test('one that does not hold says what was expected and seen by which road, and what was called', () => {
    const lines = clauseLines(failed, { colour: false });
    expect(lines).toMatch(/^ {2}FAIL A disk attached/);
    expect(lines).toContain('       expected  a device of 64 MiB\n       seen      none <&"');
    expect(lines).toContain('(in the guest)');
    expect(lines).toMatch(/call {6}attach_disk\n/);
    expect(lines).toContain('       answer    {"result":null}');
  });

  test('no line is longer than 80 columns', () => {
    for (const clause of report.clauses)
      for (const line of clauseLines(clause, { colour: false }).split('\n'))
        expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test('only the mark is coloured, where colour is wanted', () => {
    expect(clauseLines(passed, { colour: true })).toBe(
      '  \u001b[32mok   \u001b[39mVMs are made [vms.create]',
    );
  });

  test('the last line counts', () => {
    expect(summaryLine(report)).toBe('3 clauses: 1 hold, 1 do not, 1 skipped');
  });

  test('what would steer the terminal is shown and steers nothing', () => {
    expect(wrap('a\u001b[31m\u0007\tb\nc', '', 80)).toBe('a\uFFFD[31m\uFFFD b c');
  });

  test('a word that is longer than a line is broken', () => {
    expect(wrap('ab cdefgh', '  ', 5)).toBe('  ab\n  cde\n  fgh');
  });
});

describe('as JUnit', () => {
  const suites = parseXml(junitXml(report)).root as XmlElement;
  const elements = (of: XmlElement) =>
    of.children.filter((child): child is XmlElement => child.type === 'element');
  const [suite] = elements(suites);
  const cases = elements(suite as XmlElement);

  test('counts and names', () => {
    expect(suites.attributes).toEqual({
      name: 'boshvirt cpi verify',
      tests: '3',
      failures: '1',
      skipped: '1',
    });
    expect(suite?.attributes).toEqual({ name: 'director', tests: '3', failures: '1', skipped: '1' });
    expect(cases.map(({ attributes }) => attributes.classname)).toEqual([
      'vms.create',
      'resize.grow',
      'disks.attach',
    ]);
    expect(cases[0]?.attributes.time).toBe('1.234');
    expect(elements(cases[0] as XmlElement)).toEqual([]);
  });

  test('reasons and findings, with what XML cannot hold replaced', () => {
    const [skip] = elements(cases[1] as XmlElement);
    expect([skip?.name, skip?.attributes.message]).toEqual(['skipped', skipped.reason]);
    const [failure] = elements(cases[2] as XmlElement);
    expect(failure?.name).toBe('failure');
    expect(failure?.attributes.message).toBe('expected a device of 64 MiB; seen (guest): none <&"\uFFFD>');
    expect(failure?.text).toContain('attach_disk ["vm-1"');
  });
});
