import { closest, distance } from 'fastest-levenshtein';

/** Which of `known` a person who typed `word` may have meant: at most two slips, or a third of the word. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const found = closest(word, known);
  return distance(word, found) <= Math.max(2, Math.floor(word.length / 3)) ? found : undefined;
}
