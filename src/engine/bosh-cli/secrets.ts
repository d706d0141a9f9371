import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { redactor } from '../../platform/log.ts';
import type { DeploySource } from '../engine.ts';

/** Keys of a user's variables whose values are secrets. */
const secretName = /pass|secret|token|key|cert|cred|private/i;

/**
 * Hides the vars-store's values and the user's secret variables in text. bosh makes the store while it runs, so that it is
 * looked at again whenever it has changed.
 */
export class Secrets {
  readonly #storePath: string;
  readonly #given: readonly string[];
  #stamp = '';
  #hide: (text: string) => string = (text) => text;

  constructor(source: Pick<DeploySource, 'varsStorePath' | 'vars' | 'varsFiles'>) {
    this.#storePath = source.varsStorePath;
    const given = [source.vars, ...source.varsFiles.map(yamlIn)].flatMap((vars) => Object.entries(vars));
    this.#given = given.flatMap(([name, value]) => (secretName.test(name) ? linesIn(value) : []));
  }

  hide(text: string): string {
    const stamp = stampOf(this.#storePath);
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      this.#hide = redactor([...this.#given, ...linesIn(yamlIn(this.#storePath))]);
    }
    return this.#hide(text);
  }
}

/** Each line of each text in a tree: bosh prints a key's lines indented or joined by \n. Headings such as BEGIN are none. */
function linesIn(node: unknown): string[] {
  if (typeof node === 'string') return node.split('\n').filter((line) => !line.startsWith('-----'));
  if (typeof node !== 'object' || node === null) return [];
  return Object.values(node).flatMap(linesIn);
}

/** A YAML file's mapping; empty if it cannot be read, which is for bosh to say. */
function yamlIn(path: string): Record<string, unknown> {
  try {
    const content: unknown = parse(readFileSync(path, 'utf8'));
    return typeof content === 'object' && content !== null ? { ...content } : {};
  } catch {
    return {};
  }
}

function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.size} ${found.mtimeMs}` : 'none';
}
