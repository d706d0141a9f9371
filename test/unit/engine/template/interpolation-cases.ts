/** Documents, operations and variables with what `bosh interpolate` makes of them; seen with bosh 7.10. */
export interface InterpolationCase {
  readonly title: string;
  readonly document: string;
  readonly ops?: string;
  readonly vars?: Readonly<Record<string, unknown>>;
  /** The outcome as data, or `undefined`: it is refused. */
  readonly expected?: unknown;
}

const list = 'items: [{name: a, v: 1}, {name: b, v: 2}]';

export const interpolationCases: readonly InterpolationCase[] = [
  {
    title: 'replaces a value',
    document: 'a: {b: 1, c: 2}',
    ops: '[{type: replace, path: /a/b, value: 5}]',
    expected: { a: { b: 5, c: 2 } },
  },
  {
    title: 'refuses a key that is not there',
    document: 'a: {b: 1}',
    ops: '[{type: replace, path: /a/x, value: 5}]',
  },
  {
    title: 'makes a key that may be missing, and all below it',
    document: 'a: {}',
    ops: '[{type: replace, path: "/a/x?/y/z", value: 5}]',
    expected: { a: { x: { y: { z: 5 } } } },
  },
  {
    title: 'appends to a list',
    document: list,
    ops: '[{type: replace, path: /items/-, value: {name: c}}]',
    expected: { items: [{ name: 'a', v: 1 }, { name: 'b', v: 2 }, { name: 'c' }] },
  },
  {
    title: 'makes a list to append to',
    document: 'a: 1',
    ops: '[{type: replace, path: "/items?/-", value: x}]',
    expected: { a: 1, items: ['x'] },
  },
  {
    title: 'finds an item by its name',
    document: list,
    ops: '[{type: replace, path: /items/name=b/v, value: 9}]',
    expected: {
      items: [
        { name: 'a', v: 1 },
        { name: 'b', v: 9 },
      ],
    },
  },
  {
    title: 'makes an item that may be missing',
    document: list,
    ops: '[{type: replace, path: "/items/name=c?/v", value: 3}]',
    expected: {
      items: [
        { name: 'a', v: 1 },
        { name: 'b', v: 2 },
        { name: 'c', v: 3 },
      ],
    },
  },
  {
    title: 'refuses a name that two items have',
    document: 'items: [{name: a}, {name: a}]',
    ops: '[{type: replace, path: /items/name=a/v, value: 1}]',
  },
  {
    title: 'counts from either end',
    document: 'l: [a, b, c]',
    ops: '[{type: replace, path: /l/0, value: x}, {type: replace, path: /l/-1, value: z}]',
    expected: { l: ['x', 'b', 'z'] },
  },
  {
    title: 'inserts before and after',
    document: 'l: [a, b]',
    ops: '[{type: replace, path: "/l/0:before", value: x}, {type: replace, path: "/l/1:after", value: w}]',
    expected: { l: ['x', 'a', 'w', 'b'] },
  },
  {
    title: 'goes to a neighbour',
    document: list,
    ops: '[{type: replace, path: "/items/name=a:next/v", value: 7}, {type: remove, path: "/items/name=b:prev"}]',
    expected: { items: [{ name: 'b', v: 7 }] },
  },
  {
    title: 'refuses an index beyond the end',
    document: 'l: [a]',
    ops: '[{type: replace, path: /l/3, value: x}]',
  },
  {
    title: 'removes keys and items',
    document: `a: {b: 1, c: 2}\n${list}`,
    ops: '[{type: remove, path: /a/b}, {type: remove, path: /items/name=a}, {type: remove, path: "/none?"}]',
    expected: { a: { c: 2 }, items: [{ name: 'b', v: 2 }] },
  },
  { title: 'refuses to remove what is not there', document: 'a: 1', ops: '[{type: remove, path: /b}]' },
  {
    title: 'tests values and their absence',
    document: 'a: {b: 1}',
    ops: '[{type: test, path: /a/b, value: 1}, {type: test, path: /a/x, absent: true}]',
    expected: { a: { b: 1 } },
  },
  { title: 'refuses when a test fails', document: 'a: 1', ops: '[{type: test, path: /a, value: 2}]' },
  { title: 'refuses an unknown type', document: 'a: 1', ops: '[{type: add, path: /a, value: 2}]' },
  {
    title: 'reads escaped characters',
    document: 'a: {"x/y": 1, "p:q": 2, "t~u": 3}',
    ops: '[{type: replace, path: /a/x~1y, value: 5}, {type: replace, path: /a/p~7q, value: 6}, {type: replace, path: /a/t~0u, value: 7}]',
    expected: { a: { 'x/y': 5, 'p:q': 6, 't~u': 7 } },
  },
  {
    title: 'replaces the whole document',
    document: 'a: 1',
    ops: '[{type: replace, path: "", value: {b: 2}}]',
    expected: { b: 2 },
  },
  {
    title: 'fills whole values with any type, and texts with texts and numbers',
    document: 'a: ((map))\nb: "x-((n))-((t))"\n"k((t))": ((yes))',
    vars: { map: { c: [1] }, n: 3, t: 'q', yes: true },
    expected: { a: { c: [1] }, b: 'x-3-q', kq: true },
  },
  {
    title: 'goes into a variable',
    document: 'a: ((cert.ca))\nb: "((deep.x.y))!"',
    vars: { cert: { ca: 'PEM' }, deep: { x: { y: 1 } } },
    expected: { a: 'PEM', b: '1!' },
  },
  { title: 'refuses a part that a variable lacks', document: 'a: ((cert.x))', vars: { cert: { ca: 'PEM' } } },
  { title: 'refuses a map inside a text', document: 'a: "x((m))"', vars: { m: { a: 1 } } },
  {
    title: 'fills what operations bring',
    document: 'a: 1',
    ops: '[{type: replace, path: "/b?", value: ((v))}]',
    vars: { v: 'w' },
    expected: { a: 1, b: 'w' },
  },
  {
    title: 'reads YAML as YAML 1.1',
    document: 'a: yes\nb: 012\nc: 1_000\nd: "yes"\ne: ~\nf: &x {g: 1}\nh: {<<: *x, i: 2}',
    expected: { a: true, b: 10, c: 1000, d: 'yes', e: null, f: { g: 1 }, h: { g: 1, i: 2 } },
  },
  {
    title: 'puts a value with dollar signs into a text as it is',
    document: 'a: https://mbus:((pw))@host',
    vars: { pw: "a$$b$&c$'d" },
    expected: { a: "https://mbus:a$$b$&c$'d@host" },
  },
  {
    title: 'takes null for a value',
    document: 'a: ((nothing))',
    vars: { nothing: null },
    expected: { a: null },
  },
];
