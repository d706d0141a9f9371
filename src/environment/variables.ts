import { readYaml } from '../engine/template/yaml.ts';
import { UserError } from '../platform/errors.ts';
import type { EnvironmentRecord } from './record.ts';

export type Variables = EnvironmentRecord['vars'];

/**
 * Typed values as bosh's --var reads them: they are YAML (`2048` is a number, `[a, b]` a list), but a text stays as it was
 * typed, with its newlines and whatever YAML would take for a comment, without quotes around it (bosh-cli
 * director/template/var_kv.go). Throws a UserError for what is no YAML.
 */
export function readVariables(typed: Readonly<Record<string, string>>): Variables {
  return Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, readValue(name, text)]));
}

function readValue(name: string, text: string): Variables[string] {
  if (text === '') return text;
  const value = readYaml(text, `variable ${name}`);
  if (typeof value === 'string') return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new UserError('USAGE', `variable ${name} is a number with too many digits to be kept`, {
      hints: [`if it is a text, with quotes in it: '${name}="…"'`],
    });
  return value;
}
