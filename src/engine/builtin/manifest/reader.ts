import { UserError } from '../../../platform/errors.ts';
import { isMap, type Node, type NodeMap } from '../../template/index.ts';

/**
 * Reads a manifest and collects all that is wrong with it, so that a person mends everything in one go, as with bosh. After
 * a problem it gives something harmless; `finish` throws.
 */
export class ManifestReader {
  readonly #problems: string[] = [];

  problem(where: string, why: string): void {
    this.#problems.push(`${where}: ${why}`);
  }

  /** Throws one UserError for all problems. */
  finish(): void {
    if (this.#problems.length === 0) return;
    const lines = this.#problems.map((problem) => `\n  ${problem}`);
    throw new UserError('USAGE', `The manifest cannot be deployed:${lines.join('')}`);
  }

  text(node: NodeMap, key: string, where: string): string {
    const value = node[key];
    if (typeof value === 'string' && value.trim() !== '') return value;
    this.problem(path(where, key), value === undefined ? 'it is missing' : 'a text is expected');
    return '';
  }

  /** A list of maps; a missing one is empty. */
  maps(node: NodeMap, key: string, where: string): NodeMap[] {
    const value = node[key] ?? [];
    if (Array.isArray(value) && value.every((entry) => isMap(entry))) return value as NodeMap[];
    this.problem(path(where, key), 'a list of maps is expected');
    return [];
  }

  /** A list of texts; a missing one is empty. */
  texts(node: NodeMap, key: string, where: string): string[] {
    const value = node[key] ?? [];
    if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value as string[];
    this.problem(path(where, key), 'a list of texts is expected');
    return [];
  }

  /** A map; a missing one is empty. */
  map(node: NodeMap, key: string, where: string): NodeMap {
    const value = node[key] ?? {};
    if (isMap(value)) return value;
    this.problem(path(where, key), 'a map is expected');
    return {};
  }

  megabytes(node: NodeMap, key: string, where: string): number {
    const value = node[key] ?? 0;
    if (Number.isInteger(value) && Number(value) >= 0) return Number(value);
    this.problem(path(where, key), `a whole number of MiB is expected, it is ${JSON.stringify(value)}`);
    return 0;
  }

  /** The entry with a name out of a list of maps. */
  named(node: NodeMap, key: string, name: Node | undefined, asker: string): NodeMap | undefined {
    const found = this.maps(node, key, '').find((entry) => entry.name === name);
    if (!found) this.problem(asker, `there is no ${key}/name=${String(name)}`);
    return found;
  }
}

const path = (where: string, key: string): string => (where === '' ? key : `${where}/${key}`);
