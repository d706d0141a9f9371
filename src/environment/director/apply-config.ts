import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { readTextIfThere, writeFileAtomic } from '../../platform/files.ts';
import { environmentPaths } from '../paths.ts';
import type { DirectorBosh } from './director-bosh.ts';

/** The director's kinds of configs. */
export type ConfigType = 'cloud' | 'runtime' | 'cpi';

/**
 * unchanged: the director has it, or had it and somebody went on from there. applied: it has it now. kept: it has somebody
 * else's, who would lose it.
 */
export type ConfigOutcome = 'unchanged' | 'applied' | 'kept';

/**
 * Gives the director the config in the file `configPath`, whole, with all variables filled in. What was applied last is
 * remembered in the environment's folder: a config that somebody changed at the director since is left as it is.
 */
export async function applyConfig(
  bosh: DirectorBosh,
  type: ConfigType,
  name: string,
  configPath: string,
): Promise<ConfigOutcome> {
  const wanted = await readFile(configPath, 'utf8');
  const { appliedConfigs: path } = environmentPaths(bosh.record.name);
  const applied = JSON.parse((await readTextIfThere(path)) ?? '{}') as Record<string, string>;
  const key = `${type}/${name}`;
  const last = applied[key];
  const current = await currentConfig(bosh, type, name);
  if (current !== undefined && last !== undefined && same(last, wanted)) return 'unchanged';
  const isTheirs = current !== undefined && !same(current, wanted) && !(last && same(current, last));
  if (isTheirs) return 'kept';
  if (current === undefined || !same(current, wanted))
    await bosh.run(['update-config', `--type=${type}`, `--name=${name}`, configPath]);
  await writeFileAtomic(path, JSON.stringify({ ...applied, [key]: wanted }, null, 2));
  return current !== undefined && same(current, wanted) ? 'unchanged' : 'applied';
}

/** The config as the director has it; undefined if it has none of that type and name. */
export async function currentConfig(
  bosh: DirectorBosh,
  type: ConfigType,
  name: string,
): Promise<string | undefined> {
  const rows = await bosh.rows(['configs', `--type=${type}`, `--name=${name}`, '--recent=1']);
  const id = rows[0]?.id?.replace('*', ''); // the star marks the one in use
  if (id === undefined) return undefined;
  return (await bosh.rows(['config', id]))[0]?.content;
}

/** Comments and layout are nobody's change. */
const same = (one: string, other: string): boolean => isDeepStrictEqual(parse(one), parse(other));
