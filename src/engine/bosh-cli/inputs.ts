import { join } from 'node:path';
import { isThere, writeFileAtomic } from '../../platform/files.ts';
import { buildCpiRelease } from '../../release/index.ts';
import type { DeploySource, EngineContext } from '../engine.ts';
import { writeJsonForYaml } from '../template/index.ts';

/**
 * The words after `bosh create-env`. Variables go through a file, 0600, since others can read an argv; it comes last, so
 * that it has the upper hand over the user's files. The vars-store is made 0600 before bosh opens it.
 */
export async function boshInputs(
  source: DeploySource,
  context: Pick<EngineContext, 'workDir' | 'log'>,
): Promise<string[]> {
  const varsPath = join(context.workDir, 'vars.json');
  await writeFileAtomic(varsPath, writeJsonForYaml(await allVars(source, context)));
  await makePrivate(source.varsStorePath);
  return [
    source.manifestPath,
    ...source.opsFiles.flatMap((path) => ['--ops-file', path]),
    ...[...source.varsFiles, varsPath].flatMap((path) => ['--vars-file', path]),
    ...['--state', source.statePath],
    ...['--vars-store', source.varsStorePath],
  ];
}

/** The release lies at one place for all time: its path is part of the manifest, whose change makes bosh deploy anew. */
async function allVars(
  source: DeploySource,
  context: Pick<EngineContext, 'workDir' | 'log'>,
): Promise<DeploySource['vars']> {
  const release = await buildCpiRelease({
    outPath: join(context.workDir, 'boshvirt-cpi.tgz'),
    log: context.log,
  });
  return {
    boshvirt_cpi_release_url: `file://${release.path}`,
    boshvirt_cpi_release_sha1: release.sha1,
    ...source.vars,
  };
}

/** An empty file if there is none: bosh keeps the mode of what it finds. */
async function makePrivate(path: string): Promise<void> {
  if (!(await isThere(path))) await writeFileAtomic(path, '');
}
