import type { Bench } from './bench.ts';
import type { Sample } from './harness/sample.ts';
import type { Target } from './target.ts';

/** One comparison: a line of the table. */
export interface Row {
  readonly what: string;
  readonly ours: Sample;
  /** What it is measured beside. */
  readonly beside: string;
  readonly theirs: Sample;
  readonly target: Target;
  /** ms unless said otherwise. */
  readonly unit?: string;
}

/** Something that the program does, measured beside what it cannot be quicker than. */
export interface Figure {
  /** What `npm run bench NAME` picks it by. */
  readonly name: string;
  measure(bench: Bench): Promise<Row[]>;
}
