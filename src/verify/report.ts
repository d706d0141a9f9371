import type { Exchange } from './exchange.ts';
import type { Finding } from './outcome.ts';

export interface ShownCall {
  readonly method: string;
  /** JSON, secrets cut out. */
  readonly arguments: string;
  readonly answer: string;
}

/** How one clause ended. */
export interface ClauseReport {
  readonly id: string;
  readonly title: string;
  readonly section: string;
  readonly sequence: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly durationMs: number;
  /** Of a skipped one. */
  readonly reason?: string;
  /** Of a failed one. */
  readonly finding?: Finding;
  /** The last calls of a failed one. */
  readonly calls?: readonly ShownCall[];
}

export interface SuiteReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly clauses: readonly ClauseReport[];
}

export function summarise(clauses: readonly ClauseReport[]): SuiteReport {
  const count = (outcome: ClauseReport['outcome']) =>
    clauses.filter((clause) => clause.outcome === outcome).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped'), clauses };
}

const shownCalls = 3;
const shownLength = 400;

/** The calls that a person needs to see of a clause that failed. */
export function showCalls(exchanges: readonly Exchange[], hide: (text: string) => string): ShownCall[] {
  return exchanges.slice(-shownCalls).map(({ method, arguments: args, raw }) => ({
    method,
    arguments: shorten(hide(JSON.stringify(args))),
    answer: shorten(hide(raw.stdout.trim())) || '(nothing)',
  }));
}

const shorten = (text: string): string =>
  text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
