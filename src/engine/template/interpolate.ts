import { UserError } from '../../platform/errors.ts';
import { findAt } from './ops.ts';
import { isMap, type Node, type NodeMap } from './yaml.ts';

/** A variable as the manifest's `variables` section defines it. */
export interface VariableDefinition {
  readonly name: string;
  readonly type: string;
  readonly options: NodeMap;
}

/** Where values come from. `undefined`: not here. */
export type VariableSource = (definition: VariableDefinition) => Promise<Node | undefined>;

const hole = /\(\( ?(!?[-/.\w\p{L}]+) ?\)\)/gu;
const wholeHole = new RegExp(`^${hole.source}$`, 'u');

/**
 * Fills `((name))` everywhere in a document. Defined variables are made first, in the order of their definitions, and
 * leave the `variables` section, as bosh does it.
 */
export class Interpolation {
  readonly missing = new Set<string>();
  readonly used = new Set<string>();
  readonly #source: VariableSource;
  readonly #definitions: readonly VariableDefinition[];
  readonly #values = new Map<string, Promise<Node | undefined>>();

  constructor(document: Node, source: VariableSource) {
    this.#source = source;
    this.#definitions = definitionsIn(document);
  }

  async fill(document: Node): Promise<Node> {
    const found = new Set<string>();
    for (const { name } of this.#definitions)
      if ((await this.#value(name, [])) !== undefined) found.add(name);
    const filled = await this.#fill(document, []);
    if (isMap(filled) && Array.isArray(filled.variables)) {
      filled.variables = filled.variables.filter((entry) => !(isMap(entry) && found.has(String(entry.name))));
    }
    return filled;
  }

  async #fill(node: Node, path: readonly string[]): Promise<Node> {
    if (Array.isArray(node)) return await inOrder(node, (item) => this.#fill(item, path));
    if (isMap(node)) {
      const entries = await inOrder(Object.entries(node), async ([key, value]) => {
        const filled = await this.#fill(value, path);
        return [String(await this.#fill(key, path)), filled] as const;
      });
      return Object.fromEntries(entries);
    }
    return typeof node === 'string' ? await this.#fillText(node, path) : node;
  }

  async #fillText(text: string, path: readonly string[]): Promise<Node> {
    const whole = wholeHole.exec(text)?.[1];
    if (whole !== undefined) {
      const value = await this.#lookUp(whole, path);
      return value === undefined ? text : value; // null is a value
    }
    let filled = text;
    for (const [match, name = ''] of text.matchAll(hole)) {
      const value = await this.#lookUp(name, path);
      if (value === undefined) continue;
      if (typeof value !== 'string' && typeof value !== 'number') {
        throw new UserError(
          'USAGE',
          `Variable ${name} is ${typeof value}: inside a text only texts and numbers can stand (${text})`,
        );
      }
      filled = filled.replaceAll(match, () => String(value)); // of a plain text $& and the like would be read
    }
    return filled;
  }

  /** `name.part.part`: the parts lead into the variable's value. */
  async #lookUp(raw: string, path: readonly string[]): Promise<Node | undefined> {
    const [name = '', ...parts] = raw.replace(/^!/, '').split('.');
    const value = await this.#value(name, path);
    if (value === undefined || parts.length === 0) return value;
    try {
      return findAt(value, `/${parts.join('/')}`);
    } catch (error) {
      throw new UserError('USAGE', `Variable ${name} has no part '${parts.join('.')}'`, { cause: error });
    }
  }

  async #value(name: string, path: readonly string[]): Promise<Node | undefined> {
    if (path.includes(name))
      throw new UserError('USAGE', `Variables lead in a circle: ${[...path, name].join(' → ')}`);
    this.used.add(name);
    let value = this.#values.get(name);
    if (!value) {
      value = this.#make(name, [...path, name]);
      this.#values.set(name, value);
    }
    return await value;
  }

  async #make(name: string, path: readonly string[]): Promise<Node | undefined> {
    const defined = this.#definitions.find((definition) => definition.name === name);
    const before = this.missing.size;
    const options = defined ? ((await this.#fill(defined.options, path)) as NodeMap) : {};
    // options that still have holes cannot be used, and the holes are reported as missing
    const value =
      this.missing.size > before
        ? undefined
        : await this.#source({ name, type: defined?.type ?? '', options });
    if (value === undefined) this.missing.add(name);
    return value;
  }
}

function definitionsIn(document: Node): VariableDefinition[] {
  const variables = isMap(document) ? document.variables : undefined;
  if (!Array.isArray(variables)) return [];
  return variables.filter(isMap).map((entry) => ({
    name: String(entry.name),
    type: typeof entry.type === 'string' ? entry.type : '',
    options: isMap(entry.options) ? entry.options : {},
  }));
}

/** One after the other: variables are made in order, and the store is written by one at a time. */
async function inOrder<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await act(item));
  return results;
}
