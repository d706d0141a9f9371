import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { applyConfig } from '../../../../src/environment/director/index.ts';
import { environmentPaths } from '../../../../src/environment/paths.ts';
import { scriptedDirector } from './scripted-director.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A director that keeps one config in the file `config`. */
const keeper = `answer='content = fs.readFileSync(process.argv[1], "utf8"); console.log(JSON.stringify({ Tables: [{ Rows: [{ content }] }] }))'
case "$1" in
  configs) [ -e "$dir/config" ] && rows='{"id":"3*"}'; echo '{"Tables":[{"Rows":['"$rows"']}]}' ;;
  config) '${process.execPath}' -e "$answer" "$dir/config" ;;
  update-config) for path in "$@"; do :; done; cp "$path" "$dir/config" ;;
esac`;

async function scene() {
  const director = await scriptedDirector(keeper);
  const bosh = await director.bosh();
  return {
    apply: async (text: string) => {
      await writeFile(director.path('mine.yml'), text);
      return await applyConfig(bosh, 'cloud', 'default', director.path('mine.yml'));
    },
    changedBySomebody: async (text: string) => await writeFile(director.path('config'), text),
    madeAnew: async () => await rm(director.path('config')),
    atDirector: async () => await director.read('config'),
    calls: async () => await director.read('calls'),
    [Symbol.asyncDispose]: async () => await director[Symbol.asyncDispose](),
  };
}

test('a config is applied once, and again when it changes', async () => {
  await using director = await scene();
  expect(await director.apply('azs: [1]\n')).toBe('applied');
  expect(await director.apply('azs: [1]\n')).toBe('unchanged');
  expect(await director.apply('azs: [2]\n')).toBe('applied');
  expect(await director.atDirector()).toBe('azs: [2]\n');
  expect((await director.calls()).match(/update-config --type=cloud --name=default/g)).toHaveLength(2);
  const kept = JSON.parse(await readFile(environmentPaths('work').appliedConfigs, 'utf8'));
  expect(kept).toEqual({ 'cloud/default': 'azs: [2]\n' });
});

test('what somebody changed at the director stays, whatever is wanted now', async () => {
  await using director = await scene();
  await director.apply('azs: [1]\n');
  await director.changedBySomebody('azs: [mine]\n');
  expect(await director.apply('azs: [1]\n')).toBe('unchanged');
  expect(await director.apply('azs: [2]\n')).toBe('kept');
  expect(await director.atDirector()).toBe('azs: [mine]\n');
});

test('a config that was there before, of unknown origin, stays unless it says the same', async () => {
  await using director = await scene();
  await director.changedBySomebody('# by hand\nazs:\n- 1\n');
  expect(await director.apply('azs: [2]\n')).toBe('kept');
  expect(await director.apply('azs: [1]\n')).toBe('unchanged');
  expect(await director.apply('azs: [2]\n')).toBe('applied');
});

test('a config that a new director does not have is given to it again', async () => {
  await using director = await scene();
  await director.apply('azs: [1]\n');
  await director.madeAnew();
  expect(await director.apply('azs: [1]\n')).toBe('applied');
  expect(await director.atDirector()).toBe('azs: [1]\n');
});
