/** The plan of the house (ARCHITECTURE.md): which room may import which, that nothing goes in circles, that companions exist. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { backendNames } from '../src/cpi/backends/registry.ts';

const root = join(import.meta.dirname, '..');
const sources = globSync('src/**/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'));

/**
 * Each room with the rooms and files that it may import besides its own. A longer name stands before a shorter one that it
 * begins with; what is below a room belongs to it unless it has a line of its own.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'src/main.ts': ['src/cpi/main.ts', 'src/command-line', 'src/platform'],
  'src/command-line': ['src/environment/steps', 'src/platform'],
  'src/commands': [
    'src/command-line',
    'src/environment',
    'src/verify',
    'src/platform',
    'src/cpi/backends/registry.ts',
  ],
  'src/environment': [
    'src/engine',
    'src/downloads',
    'src/manifest',
    'src/release',
    'src/stemcell',
    'src/host',
    'src/platform',
    'src/cpi/backend.ts',
    'src/cpi/backends/registry.ts',
    'src/cpi/serve',
  ],
  'src/verify': [
    'src/environment/paths.ts',
    'src/environment/steps',
    'src/engine',
    'src/stemcell',
    'src/host',
    'src/platform',
    'src/cpi/backend.ts',
    'src/cpi/backends/registry.ts',
  ],
  'src/engine': ['src/release', 'src/platform'],
  'src/downloads': ['src/platform'],
  'src/manifest': ['src/downloads/artifact.ts', 'src/platform'],
  'src/release': ['src/platform'],
  'src/stemcell': ['src/platform'],
  'src/host': ['src/clients', 'src/platform'],
  'src/cpi/main.ts': [
    'src/cpi/dispatch.ts',
    'src/cpi/config.ts',
    'src/cpi/elsewhere.ts',
    'src/cpi/secrets.ts',
    'src/cpi/wire.ts',
    'src/cpi/errors.ts',
    'src/cpi/backend.ts',
    'src/cpi/backends/registry.ts',
    'src/platform',
  ],
  'src/cpi/dispatch.ts': [
    'src/cpi/methods',
    'src/cpi/config.ts',
    'src/cpi/wire.ts',
    'src/cpi/errors.ts',
    'src/cpi/backend.ts',
    'src/platform',
  ],
  'src/cpi/config.ts': [
    'src/cpi/wire.ts',
    'src/cpi/errors.ts',
    'src/cpi/backend.ts',
    'src/cpi/backends/registry.ts',
    'src/platform',
  ],
  'src/cpi/elsewhere.ts': ['src/cpi/config.ts', 'src/cpi/errors.ts', 'src/cpi/wire.ts', 'src/platform'],
  'src/cpi/secrets.ts': [],
  'src/cpi/serve': ['src/cpi/wire.ts', 'src/cpi/errors.ts', 'src/cpi/backend.ts', 'src/platform'],
  'src/cpi/wire.ts': ['src/cpi/agent', 'src/cpi/errors.ts', 'src/cpi/backend.ts', 'src/platform'],
  'src/cpi/errors.ts': ['src/platform'],
  'src/cpi/backend.ts': ['src/cpi/agent', 'src/cpi/stemcell', 'src/platform'],
  'src/cpi/methods': [
    'src/cpi/agent',
    'src/cpi/stemcell',
    'src/cpi/backend.ts',
    'src/cpi/dispatch.ts', // the type of what dispatch hands over
    'src/cpi/wire.ts',
    'src/cpi/errors.ts',
    'src/platform',
  ],
  'src/cpi/agent': ['src/cpi/backend.ts', 'src/cpi/errors.ts', 'src/platform'],
  'src/cpi/stemcell': ['src/cpi/errors.ts', 'src/platform'],
  'src/cpi/cloud-properties.ts': ['src/cpi/errors.ts', 'src/platform'],
  'src/cpi/on-libvirt': [
    'src/cpi/agent',
    'src/cpi/stemcell',
    'src/cpi/backend.ts',
    'src/cpi/cloud-properties.ts',
    'src/cpi/errors.ts',
    'src/clients',
    'src/platform',
  ],
  'src/cpi/backends/registry.ts': ['src/cpi/backends', 'src/cpi/backend.ts', 'src/cpi/errors.ts'],
  'src/cpi/backends': [
    'src/cpi/agent',
    'src/cpi/stemcell',
    'src/cpi/backend.ts',
    'src/cpi/cloud-properties.ts',
    'src/cpi/on-libvirt',
    'src/cpi/errors.ts',
    'src/clients',
    'src/platform',
  ],
  'src/clients': ['src/platform'],
  'src/platform': [],
};
const byLength = Object.keys(rooms).sort((a, b) => b.length - a.length);

const isIn = (path: string, place: string) => path === place || path.startsWith(`${place}/`);
const roomOf = (path: string) => byLength.find((room) => isIn(path, room));

interface Import {
  readonly from: string;
  readonly to: string;
  /** Types alone are gone at run time. */
  readonly typesOnly: boolean;
}

function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), 'utf8');
  const statements = text.matchAll(
    /(?:^|\n)(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'|import\('([^']+)'\)/g,
  );
  return [...statements].flatMap(([, type, named, lazy]) => {
    const target = named ?? lazy ?? '';
    if (!target.startsWith('.')) return [];
    return [{ from, to: normalize(join(dirname(from), target)), typesOnly: type !== undefined }];
  });
}

const imports = sources.flatMap(importsOf);

test('every source file belongs to a room', () => {
  expect(sources.filter((path) => roomOf(path) === undefined)).toEqual([]);
});

test('rooms import only what the plan allows', () => {
  const wrong = imports.filter(({ from, to }) => {
    const room = roomOf(from) as string;
    return !isIn(to, room) && !(rooms[room] as readonly string[]).some((allowed) => isIn(to, allowed));
  });
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test('no backend imports another one', () => {
  const backendOf = (path: string) => /^src\/cpi\/backends\/([^/]+)\//.exec(path)?.[1];
  const wrong = imports.filter(({ from, to }) => {
    const [own, other] = [backendOf(from), backendOf(to)];
    return own !== undefined && other !== undefined && own !== other;
  });
  expect(wrong).toEqual([]);
});

test.each(backendNames)('no code outside of its folder asks for the backend %s by name', (backend) => {
  const named = new RegExp(`'${backend}'`);
  const outside = sources.filter((path) => !isIn(path, `src/cpi/backends/${backend}`));
  expect(outside.filter((path) => named.test(readFileSync(join(root, path), 'utf8')))).toEqual([]);
});

test('nothing imports in a circle', () => {
  const targets = new Map(sources.map((path) => [path, [] as string[]]));
  for (const { from, to, typesOnly } of imports) if (!typesOnly) targets.get(from)?.push(to);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
    else if (!done.has(path)) {
      for (const next of targets.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of sources) visit(path, []);
  expect(circles).toEqual([]);
});

test('only command-line and commands know oclif, only process.ts starts programs, only one file ends ours', () => {
  const users = (pattern: RegExp) =>
    sources.filter((path) => pattern.test(readFileSync(join(root, path), 'utf8')));
  const outside = (paths: readonly string[], places: readonly string[]) =>
    paths.filter((path) => !places.some((place) => isIn(path, place)));
  expect(outside(users(/from '@oclif\/core'/), ['src/commands', 'src/command-line'])).toEqual([]);
  expect(outside(users(/'node:child_process'/), ['src/platform/process.ts'])).toEqual([]);
  expect(outside(users(/process\.exit\(/), ['src/command-line/end-process.ts'])).toEqual([]);
});

test('bosh starts the CPI without the command framework, execa or a whole YAML parser', () => {
  const reached = new Set<string>();
  const heavy = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    const text = readFileSync(join(root, path), 'utf8');
    for (const [, type, target = ''] of text.matchAll(/(?:^|\n)import\s+(type\s)?[^;]*?from\s+'([^']+)'/g)) {
      if (type) continue;
      if (target.startsWith('.')) visit(normalize(join(dirname(path), target)));
      else if (/^(@oclif|execa|yaml$|listr2|cosmiconfig|@inquirer|zod$|undici$)/.test(target))
        heavy.add(`${path}: ${target}`);
    }
  };
  visit('src/cpi/main.ts');
  expect([...heavy]).toEqual([]);
});

test.each(backendNames)('the backend %s has its templates, its ops-file and its probe', (backend) => {
  const companions = [`templates/${backend}`, `ops-files/${backend}.yml`, `src/verify/probes/${backend}.ts`];
  expect(companions.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
