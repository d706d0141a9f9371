import { UserError } from '../platform/errors.ts';

/** `['a=1', 'b=x=y']` as `{a: '1', b: 'x=y'}`; `flag` names where it was typed. */
export function keyValues(words: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at > 0) return [word.slice(0, at), word.slice(at + 1)];
      throw new UserError('USAGE', `${flag} ${word}: a variable is written name=value`);
    }),
  );
}
