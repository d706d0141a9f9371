import { readYaml } from '../engine/template/yaml.ts';
import type { EnvironmentRecord } from './record.ts';

export type Variables = EnvironmentRecord['vars'];

/** Typed values are YAML, as with bosh's --var: `2048` is a number, `[a, b]` a list. Throws a UserError for what is none. */
export function readVariables(typed: Readonly<Record<string, string>>): Variables {
  const entries = Object.entries(typed).map(([name, text]) => [
    name,
    text && readYaml(text, `variable ${name}`),
  ]);
  return Object.fromEntries(entries);
}
