import { escapeXml } from '../../platform/template.ts';
import type { ClauseReport, SuiteReport } from '../report.ts';

/** The report as CI systems read it: a suite for each sequence, a case for each clause. */
export function junitXml({ passed, failed, skipped, clauses }: SuiteReport): string {
  const sequences = [...new Set(clauses.map(({ sequence }) => sequence))];
  const suites = sequences.map((sequence) =>
    suiteXml(
      sequence,
      clauses.filter((clause) => clause.sequence === sequence),
    ),
  );
  const counts = attributes({
    name: 'boshvirt cpi verify',
    tests: passed + failed + skipped,
    failures: failed,
    skipped,
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${counts}>\n${suites.join('')}</testsuites>\n`;
}

function suiteXml(sequence: string, clauses: readonly ClauseReport[]): string {
  const count = (outcome: ClauseReport['outcome']) =>
    clauses.filter((clause) => clause.outcome === outcome).length;
  const facts = {
    name: sequence,
    tests: clauses.length,
    failures: count('failed'),
    skipped: count('skipped'),
  };
  return `  <testsuite${attributes(facts)}>\n${clauses.map(caseXml).join('')}  </testsuite>\n`;
}

function caseXml(clause: ClauseReport): string {
  const facts = { name: clause.title, classname: clause.id, time: (clause.durationMs / 1000).toFixed(3) };
  const inner = outcomeXml(clause);
  return `    <testcase${attributes(facts)}${inner === '' ? '/>' : `>${inner}</testcase>`}\n`;
}

function outcomeXml({ reason, finding, calls = [] }: ClauseReport): string {
  if (reason !== undefined) return `<skipped${attributes({ message: reason })}/>`;
  if (finding === undefined) return '';
  const { expected, seen, road } = finding;
  const told = calls.map((call) => `${call.method} ${call.arguments}\n${call.answer}\n`).join('');
  return `<failure${attributes({ message: `expected ${expected}; seen (${road}): ${seen}` })}>${escapeXml(told)}</failure>`;
}

const attributes = (facts: Readonly<Record<string, string | number>>): string =>
  Object.entries(facts)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('');
