import type { Row } from './figure.ts';
import type { Sample } from './harness/sample.ts';

const headings = ['figure', 'boshvirt', 'beside it', 'median (min..max)', 'comparison', 'target', ''];

function cellsOf(row: Row): string[] {
  const { what, ours, beside, theirs, target, unit = 'ms' } = row;
  return [
    what,
    sampleText(ours, unit),
    beside,
    sampleText(theirs, unit),
    target.result(ours, theirs),
    target.text,
    target.isMet(ours, theirs) ? 'met' : '**missed**',
  ];
}

/** "41 (38..60) ms" */
function sampleText({ median, min, max }: Sample, unit: string): string {
  return `${rounded(median)} (${rounded(min)}..${rounded(max)}) ${unit}`;
}

/** Three digits say all that such a measurement knows. */
const rounded = (value: number): string =>
  String(Number(value.toPrecision(value < 1000 ? 3 : 4))).replace(/(\.\d)\d+$/, '$1');

export function markdownTable(rows: readonly Row[]): string {
  const lines = [headings, headings.map(() => '-'), ...rows.map(cellsOf)];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** One figure, for a terminal. */
export function plainLine(row: Row): string {
  const [what, ours, beside, theirs, result, target, verdict = ''] = cellsOf(row);
  return `${what}: ${ours}; ${beside}: ${theirs}; ${result}, ${target}: ${verdict.replaceAll('*', '')}\n`;
}
