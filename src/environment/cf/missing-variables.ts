import type { NodeMap } from '../../engine/template/index.ts';
import { mapsIn } from './maps-in.ts';

const hole = /\(\( ?!?([-/.\w\p{L}]+) ?\)\)/gu;

/**
 * Names of `((variables))` in a manifest that nothing gives: the manifest does not define them, and they are no absolute
 * names, under which the director's CredHub may have anything. Sorted.
 */
export function missingVariables(manifest: NodeMap): string[] {
  const variables = mapsIn(manifest.variables);
  const defined = new Set(variables.map(({ name }) => name));
  const named = [...JSON.stringify(manifest).matchAll(hole)].map(([, name = '']) => name);
  const missing = named
    .filter((name) => !name.startsWith('/'))
    .map((name) => name.split('.')[0] as string)
    .filter((name) => !defined.has(name));
  return [...new Set(missing)].sort();
}
