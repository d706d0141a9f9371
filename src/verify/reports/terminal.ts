import { styleText } from 'node:util';
import type { ClauseReport, SuiteReport } from '../report.ts';

/** Fits a terminal of the usual size. */
const columns = 80;
const margin = ' '.repeat(7);
/** Below this a line's label would stand alone; the words after it go on in a column of their own. */
const detailMargin = ' '.repeat(17);

const marks = {
  passed: { word: 'ok', colour: 'green' },
  failed: { word: 'FAIL', colour: 'red' },
  skipped: { word: 'skip', colour: 'yellow' },
} as const;

export interface TerminalOptions {
  /** Only where a person reads it. */
  readonly colour: boolean;
}

/** What stands above the clauses of a sequence. */
export const heading = (title: string): string => `\n${title}`;

/** One clause's lines: how it ended, its sentence and, if it does not hold, what was seen. */
export function clauseLines(report: ClauseReport, { colour }: TerminalOptions): string {
  const { word, colour: name } = marks[report.outcome];
  const mark = word.padEnd(margin.length - 2);
  const painted = colour ? styleText(name, mark, { validateStream: false }) : mark;
  const sentence = wrap(`${report.title}  [${report.id}]`, margin, columns).slice(margin.length);
  return [`  ${painted}${sentence}`, ...detailsOf(report)].join('\n');
}

/** The last line: what there was of each. */
export function summaryLine({ passed, failed, skipped }: SuiteReport): string {
  const clauses = passed + failed + skipped;
  return `${clauses} clauses: ${passed} hold, ${failed} do not, ${skipped} skipped`;
}

function detailsOf({ reason, finding, calls = [] }: ClauseReport): string[] {
  if (reason !== undefined) return [detail('why', reason)];
  if (finding === undefined) return [];
  return [
    detail('expected', finding.expected),
    detail('seen', `${finding.seen} (${roads[finding.road]})`),
    ...calls.flatMap((call) => [
      detail('call', `${call.method} ${call.arguments}`),
      detail('answer', call.answer),
    ]),
  ];
}

const roads = {
  wire: "in the CPI's answer",
  guest: 'in the guest',
  hypervisor: 'by the hypervisor',
} as const;

function detail(label: string, text: string): string {
  const head = `${margin}${label}`.padEnd(detailMargin.length);
  return head + wrap(text, detailMargin, columns).slice(detailMargin.length);
}

/** What a CPI wrote may be meant for a terminal, and must not steer this one. */
const controls = /(?!\s)\p{Cc}/gu;

/** Breaks a text between words, and a word that is longer than a line anywhere. */
export function wrap(text: string, indent: string, width: number): string {
  const room = width - indent.length;
  const pieces = text
    .replaceAll(controls, '\uFFFD')
    .split(/\s+/)
    .flatMap((word) => word.match(new RegExp(`.{1,${room}}`, 'gu')) ?? []);
  const lines: string[] = [];
  for (const piece of pieces) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + piece.length <= room)
      lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(piece);
  }
  return lines.map((line) => indent + line).join('\n');
}
