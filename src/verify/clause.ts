import type { CallerKind } from './exchange.ts';
import type { Trial } from './trial.ts';

/** What a clause cannot do without; where a scene lacks it the clause is skipped with the scene's reason. */
export type Need = 'guest' | 'hypervisor' | 'cut-off';

export interface ClauseFacts {
  /** `group.word`: stable, for --only and for reports. */
  readonly id: string;
  /** What holds, as a sentence. */
  readonly title: string;
  /** Section of the CPI contract, as docs/cpi-verify.md lists them. */
  readonly section: string;
  /** Clauses of the same sequence that have to hold before this one can be tried. */
  readonly after?: readonly string[];
  readonly needs?: readonly Need[];
}

export interface Clause<State> extends ClauseFacts {
  run(trial: Trial, state: State): Promise<void>;
}

/** Clauses in one of bosh's own orders; they share what they make. */
export interface Sequence {
  readonly id: string;
  readonly title: string;
  readonly caller: CallerKind;
  readonly clauses: readonly ClauseFacts[];
  /** A new course through it: what to run for each clause, by its id. */
  begin(): (id: string, trial: Trial) => Promise<void>;
}

interface SequenceFacts<State> {
  readonly id: string;
  readonly title: string;
  readonly caller: CallerKind;
  /** What the clauses hand to one another, before the first one. */
  begin(): State;
  readonly clauses: readonly Clause<State>[];
}

export function defineSequence<State>({ begin, ...facts }: SequenceFacts<State>): Sequence {
  const byId = new Map(facts.clauses.map((clause) => [clause.id, clause]));
  return {
    ...facts,
    begin() {
      const state = begin();
      return async (id, trial) => await byId.get(id)?.run(trial, state);
    },
  };
}
