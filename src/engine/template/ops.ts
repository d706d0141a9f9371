import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../../platform/errors.ts';
import { parsePointer, type Token } from './pointer.ts';
import { isMap, type Node, type NodeMap } from './yaml.ts';

/** One operation of an ops-file. */
export interface Operation {
  readonly type: 'replace' | 'remove' | 'test';
  readonly path: string;
  readonly value?: Node;
  readonly absent?: boolean;
}

/** Reads an ops-file's data. Throws a UserError that says which operation is wrong. */
export function operationsIn(node: Node, where: string): Operation[] {
  if (node === null) return [];
  if (!Array.isArray(node)) throw new UserError('USAGE', `${where} is no list of operations`);
  return node.map((entry, at) => {
    const fail = (why: string) => new UserError('USAGE', `${where}: operation ${at + 1} ${why}`);
    if (!isMap(entry)) throw fail('is no map');
    const { type, path, value, absent } = entry;
    if (type !== 'replace' && type !== 'remove' && type !== 'test')
      throw fail(`has the unknown type '${String(type)}'`);
    if (typeof path !== 'string') throw fail('has no path');
    if (type === 'replace' && value === undefined) throw fail('has no value');
    if (type === 'remove' && value !== undefined) throw fail('removes, and so takes no value');
    return { type, path, ...(value === undefined ? {} : { value }), ...(absent === true ? { absent } : {}) };
  });
}

/** The document after these operations, in order; the given one is left alone. Throws a UserError with the path that failed. */
export function applyOps(document: Node, operations: readonly Operation[]): Node {
  return operations.reduce<Node>((node, operation) => {
    const tokens = parsePointer(operation.path);
    const at = new Trail(operation.path);
    if (operation.type === 'replace') return replace(node, tokens, operation.value as Node, at);
    if (operation.type === 'remove') return remove(node, tokens, at);
    test(node, tokens, operation, at);
    return node;
  }, structuredClone(document));
}

/** The value at a path; used for `((name.part))` too. */
export function findAt(document: Node, path: string): Node {
  const at = new Trail(path);
  return parsePointer(path).reduce<Node>((node, token) => find(node, token, at), document);
}

/** Where an operation has come to, for messages. */
class Trail {
  readonly #path: string;
  constructor(path: string) {
    this.#path = path;
  }

  fail(why: string): UserError {
    return new UserError('USAGE', `The operation at '${this.#path}' does not fit: ${why}`);
  }
}

function replace(node: Node, [token, ...rest]: readonly Token[], value: Node, at: Trail): Node {
  if (!token) return structuredClone(value);
  const last = rest.length === 0;
  const next = (child: Node) => replace(child, rest, value, at);
  if (token.kind === 'key') {
    const map = requireMap(node, token, at);
    if (!(token.key in map) && !token.optional) throw missingKey(map, token.key, at);
    const child = token.key in map ? (map[token.key] as Node) : last ? null : emptyFor(rest[0] as Token, at);
    map[token.key] = next(child);
    return map;
  }
  const array = requireArray(node, token, at);
  if (token.kind === 'end') {
    if (!last) throw at.fail('- has to come last');
    array.push(structuredClone(value));
    return array;
  }
  const index = indexOf(array, token, at);
  if (index === undefined) {
    const { key, value: wanted } = token as Extract<Token, { kind: 'matching' }>;
    array.push(last ? structuredClone(value) : next({ [key]: wanted }));
    return array;
  }
  if (!last)
    array[concrete(array, index, token, at)] = next(array[concrete(array, index, token, at)] as Node);
  else insert(array, index, token, structuredClone(value), at);
  return array;
}

/** What an optional key holds when the path goes on below it. */
function emptyFor(next: Token, at: Trail): Node {
  if (next.kind === 'key') return {};
  if (next.kind === 'matching' || next.kind === 'end') return [];
  throw at.fail('below a new key there has to be a key, name=value or -');
}

function remove(node: Node, [token, ...rest]: readonly Token[], at: Trail): Node {
  if (!token) throw at.fail('the whole document cannot be removed');
  const last = rest.length === 0;
  if (token.kind === 'key') {
    const map = requireMap(node, token, at);
    if (!(token.key in map)) {
      if (token.optional) return map;
      throw missingKey(map, token.key, at);
    }
    if (last) delete map[token.key];
    else map[token.key] = remove(map[token.key] as Node, rest, at);
    return map;
  }
  if (token.kind === 'end') throw at.fail('- names nothing that could be removed');
  const array = requireArray(node, token, at);
  const index = indexOf(array, token, at);
  if (index === undefined) return array;
  const place = concrete(array, index, token, at);
  if (last) array.splice(place, 1);
  else array[place] = remove(array[place] as Node, rest, at);
  return array;
}

function test(node: Node, tokens: readonly Token[], operation: Operation, at: Trail): void {
  let found: Node | undefined;
  try {
    found = tokens.reduce<Node>((child, token) => find(child, token, at), node);
  } catch (error) {
    if (operation.absent) return;
    throw error;
  }
  if (operation.absent) throw at.fail('it names something, and was to name nothing');
  if (!isDeepStrictEqual(found, operation.value ?? null))
    throw at.fail('the value is another one than the test says');
}

function find(node: Node, token: Token, at: Trail): Node {
  if (token.kind === 'end') throw at.fail('- names nothing that could be read');
  if (token.kind === 'key') {
    const map = requireMap(node, token, at);
    if (token.key in map) return map[token.key] as Node;
    if (token.optional) return null;
    throw missingKey(map, token.key, at);
  }
  const array = requireArray(node, token, at);
  const index = indexOf(array, token, at);
  return index === undefined ? {} : (array[concrete(array, index, token, at)] as Node);
}

/** The index that a token means, before its modifiers; undefined: an optional match without a match. */
function indexOf(
  array: readonly Node[],
  token: Extract<Token, { kind: 'index' | 'matching' }>,
  at: Trail,
): number | undefined {
  if (token.kind === 'index') return token.index;
  const { key, value, optional } = token;
  const found = array.flatMap((item, index) => (isMap(item) && item[key] === value ? [index] : []));
  if (found.length === 1) return found[0];
  if (found.length === 0 && optional) return undefined;
  throw at.fail(`${found.length} items have ${key}=${value}, exactly one is expected`);
}

type ArrayToken = Extract<Token, { kind: 'index' | 'matching' }>;

/** Applies prev and next, and checks that the place is there; a negative index counts from the end. */
function concrete(array: readonly Node[], index: number, token: ArrayToken, at: Trail): number {
  const steps = token.modifiers.map((modifier) => {
    if (modifier === 'before' || modifier === 'after')
      throw at.fail(`${modifier} fits a place to insert at alone`);
    return modifier === 'next' ? 1 : -1;
  });
  return placeIn(array, index, steps, at);
}

function placeIn(array: readonly Node[], index: number, steps: readonly number[], at: Trail): number {
  const start = index < 0 ? array.length + index : index;
  const place = steps.reduce((sum, step) => sum + step, start);
  if (index < -array.length || place < 0 || place >= array.length) {
    throw at.fail(
      `there is no item ${index}${steps.length > 0 ? ' with its modifiers' : ''} in a list of ${array.length}`,
    );
  }
  return place;
}

function insert(array: Node[], index: number, token: ArrayToken, value: Node, at: Trail): void {
  const where = token.modifiers.findIndex((modifier) => modifier === 'before' || modifier === 'after');
  const moves = where === -1 ? token.modifiers : token.modifiers.slice(0, where);
  if (where !== -1 && where !== token.modifiers.length - 1)
    throw at.fail('nothing may follow before or after');
  const place = placeIn(
    array,
    index,
    moves.map((modifier) => (modifier === 'next' ? 1 : -1)),
    at,
  );
  if (where === -1) array[place] = value;
  else array.splice(token.modifiers[where] === 'after' ? place + 1 : place, 0, value);
}

function requireMap(node: Node, token: Token, at: Trail): NodeMap {
  if (isMap(node)) return node;
  throw at.fail(`a map was expected above ${describe(token)}, there is ${kindOf(node)}`);
}

function requireArray(node: Node, token: Token, at: Trail): Node[] {
  if (Array.isArray(node)) return node;
  throw at.fail(`a list was expected above ${describe(token)}, there is ${kindOf(node)}`);
}

function missingKey(map: NodeMap, key: string, at: Trail): UserError {
  const keys = Object.keys(map);
  return at.fail(
    `there is no key '${key}' (there are: ${keys.join(', ') || 'none'}); a ? after it would make it`,
  );
}

function describe(token: Token): string {
  if (token.kind === 'key') return `'${token.key}'`;
  if (token.kind === 'matching') return `'${token.key}=${token.value}'`;
  return token.kind === 'end' ? "'-'" : `'${token.index}'`;
}

const kindOf = (node: Node): string =>
  node === null ? 'nothing' : Array.isArray(node) ? 'a list' : isMap(node) ? 'a map' : `a ${typeof node}`;
