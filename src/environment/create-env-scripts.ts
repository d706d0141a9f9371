import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { boshInputs } from '../engine/bosh-cli/index.ts';
import type { DeploySource, EngineContext } from '../engine/engine.ts';
import { writeFileAtomic } from '../platform/files.ts';
import { commandLine } from '../platform/process.ts';
import { fillTemplate, markup } from '../platform/template.ts';
import { findBoshProgram } from './bosh-program.ts';
import { environmentPaths } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import { networkNamespaceOf } from './session.ts';

/** Of the two scripts: what each has bosh do. */
const deeds = {
  'create-env': { deed: 'Makes or changes', boshvirt: 'boshvirt up', example: 'create-env.sh --recreate' },
  'delete-env': { deed: 'Deletes', boshvirt: 'boshvirt down', example: 'delete-env.sh --skip-drain' },
} as const;
type Command = keyof typeof deeds;

/** Where the environment's create-env.sh is, once it was written. */
export const createEnvScript = (name: string): string => scriptPath(name, 'create-env');

const scriptPath = (name: string, command: Command): string =>
  join(environmentPaths(name).folder, `${command}.sh`);

/**
 * Puts create-env.sh and delete-env.sh into the environment's folder, with copies of manifest, ops-files and variables beside
 * them: with them bosh does what it does for boshvirt, though neither boshvirt's command line nor the files that a person named are
 * needed. All is private to the user. The CPI is still boshvirt's. Gives the paths of the scripts.
 */
export async function writeCreateEnvScripts(
  record: EnvironmentRecord,
  source: DeploySource,
  context: Pick<EngineContext, 'workDir' | 'log'>,
): Promise<{ create: string; delete: string }> {
  const { folder } = environmentPaths(record.name);
  const inputs = await boshInputs(await copyOf(source, join(folder, 'create-env')), context);
  const bosh = (await findBoshProgram())?.path ?? 'bosh';
  const write = async (command: Command): Promise<string> => {
    const path = scriptPath(record.name, command);
    await writeFileAtomic(path, scriptText(record, command, bosh, inputs), { mode: 0o700 });
    return path;
  };
  return { create: await write('create-env'), delete: await write('delete-env') };
}

/** The same source in a folder of the environment's: other files, with the same content in the same order. */
async function copyOf(source: DeploySource, folder: string): Promise<DeploySource> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const copy = async (path: string, name: string): Promise<string> => {
    const place = join(folder, name);
    await writeFileAtomic(place, await readFile(path)); // 0600
    return place;
  };
  const numbered = async (paths: readonly string[], kind: string): Promise<string[]> =>
    await Promise.all(
      paths.map((path, at) => copy(path, `${kind}-${String(at + 1).padStart(2, '0')}-${basename(path)}`)),
    );
  return {
    ...source,
    manifestPath: await copy(source.manifestPath, 'manifest.yml'),
    opsFiles: await numbered(source.opsFiles, 'ops'),
    varsFiles: await numbered(source.varsFiles, 'vars'),
  };
}

function scriptText(
  record: EnvironmentRecord,
  command: Command,
  bosh: string,
  inputs: readonly string[],
): string {
  const paths = environmentPaths(record.name);
  const namespace = networkNamespaceOf(record);
  const prefix = namespace === undefined ? '' : `nsenter --net="$namespace" `;
  const shell = (word: string) => markup(commandLine([word]));
  const { deed, boshvirt, example } = deeds[command];
  return fillTemplate('bosh/with-bosh.sh', {
    ...{ deed, boshvirt, example, environment: record.name },
    inputs: markup(`${basename(paths.folder)}/create-env`),
    bosh: shell(bosh),
    lock: shell(paths.lock),
    namespace: shell(namespace ?? ''),
    home: shell(paths.work),
    machine: shell(record.network.ip),
    command: markup([`exec ${prefix}"$bosh" ${command}`, ...optionLines(inputs), '"$@"'].join(' \\\n  ')),
  });
}

/** The manifest, then an option with its value on each line. */
function optionLines([manifest = '', ...options]: readonly string[]): string[] {
  const pairs = options.flatMap((_, at) => (at % 2 === 0 ? [commandLine(options.slice(at, at + 2))] : []));
  return [commandLine([manifest]), ...pairs];
}
