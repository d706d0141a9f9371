import { UserError } from '../platform/errors.ts';
import { nearest } from '../platform/nearest.ts';
import type { ClauseFacts, Sequence } from './clause.ts';

/**
 * The ids of the clauses that `words` name, with those that they stand on: a word is a clause's id, the part of it before the
 * dot, or a sequence's. No words: all. Throws a UserError for a word that names nothing.
 */
export function selectClauses(sequences: readonly Sequence[], words: readonly string[]): ReadonlySet<string> {
  const all = sequences.flatMap(({ id, clauses }) => clauses.map((clause) => ({ sequence: id, clause })));
  if (words.length === 0) return new Set(all.map(({ clause }) => clause.id));
  const byId = new Map(all.map(({ clause }) => [clause.id, clause]));
  const chosen = new Set<string>();
  for (const word of words) {
    const found = all.filter(({ sequence, clause }) =>
      [sequence, clause.id, groupOf(clause.id)].includes(word),
    );
    if (found.length === 0) throw unknownWord(word, all);
    for (const { clause } of found) addWithGround(clause, byId, chosen);
  }
  return chosen;
}

const groupOf = (id: string): string => id.split('.')[0] ?? id;

function addWithGround(
  clause: ClauseFacts,
  byId: ReadonlyMap<string, ClauseFacts>,
  chosen: Set<string>,
): void {
  if (chosen.has(clause.id)) return;
  chosen.add(clause.id);
  for (const id of clause.after ?? []) {
    const ground = byId.get(id);
    if (ground) addWithGround(ground, byId, chosen);
  }
}

function unknownWord(word: string, all: readonly { sequence: string; clause: ClauseFacts }[]): UserError {
  const known = new Set(all.flatMap(({ sequence, clause }) => [sequence, groupOf(clause.id), clause.id]));
  const guess = nearest(word, [...known]);
  return new UserError('USAGE', `There is no clause and no group '${word}'`, {
    hints: [...(guess ? [`did you mean ${guess}?`] : []), 'boshvirt cpi verify --list lists them'],
  });
}
