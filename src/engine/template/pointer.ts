import { UserError } from '../../platform/errors.ts';

export type Modifier = 'prev' | 'next' | 'before' | 'after';
const modifierNames = new Set<string>(['prev', 'next', 'before', 'after']);

/** One step of a path in an ops-file. */
export type Token =
  | { readonly kind: 'index'; readonly index: number; readonly modifiers: readonly Modifier[] }
  | { readonly kind: 'end' }
  | {
      readonly kind: 'matching';
      readonly key: string;
      readonly value: string;
      readonly optional: boolean;
      readonly modifiers: readonly Modifier[];
    }
  | { readonly kind: 'key'; readonly key: string; readonly optional: boolean };

/**
 * Parses a path of an ops-file (`/a/name=b/c?/-`). Everything after a `?` is optional too. `~0`, `~1` and `~7` stand for
 * `~`, `/` and `:`.
 */
export function parsePointer(path: string): Token[] {
  if (path === '') return [];
  if (!path.startsWith('/')) throw wrong(path, 'it does not begin with /');
  const words = path.slice(1).split('/');
  let optional = false;
  return words.map((word, at) => {
    const [raw = '', ...names] = word.split(':');
    const unknown = names.find((name) => !modifierNames.has(name));
    if (unknown !== undefined)
      throw wrong(path, `'${unknown}' is none of the modifiers prev, next, before, after`);
    const modifiers = names as Modifier[];
    const text = unescapeToken(raw);
    if (text === '-' && at === words.length - 1) {
      if (modifiers.length > 0) throw wrong(path, '- takes no modifiers');
      return { kind: 'end' };
    }
    if (/^[+-]?\d+$/.test(text)) return { kind: 'index', index: Number(text), modifiers };
    if (text.endsWith('?')) optional = true;
    const bare = text.endsWith('?') ? text.slice(0, -1) : text;
    const equals = bare.indexOf('=');
    if (equals >= 0)
      return {
        kind: 'matching',
        key: bare.slice(0, equals),
        value: bare.slice(equals + 1),
        optional,
        modifiers,
      };
    if (modifiers.length > 0) throw wrong(path, `the key ${bare} takes no modifiers`);
    return { kind: 'key', key: bare, optional };
  });
}

// in one pass: ~01 means ~1, not /
const unescapeToken = (text: string): string =>
  text.replaceAll(/~[017]/g, (code) => ({ '~0': '~', '~1': '/', '~7': ':' })[code] as string);

function wrong(path: string, why: string): UserError {
  return new UserError('USAGE', `The path '${path}' of an operation cannot be used: ${why}`);
}
