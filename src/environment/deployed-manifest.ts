import { interpolateText } from '../engine/template/index.ts';
import { readTextIfThere, writeFileAtomic } from '../platform/files.ts';
import { deploySource, type StemcellSource } from './deploy.ts';
import { environmentPaths } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';

/**
 * The manifest that create-env works by, for people to compare: the user's own variables and the generated ones stay ((names)),
 * since their values may be secrets.
 */
export async function openManifest(
  record: EnvironmentRecord,
  stemcell: StemcellSource,
  boshvirtCommand: string,
): Promise<string> {
  const { manifestPath, opsFiles, vars } = deploySource(
    { ...record, vars: {}, varsFiles: [] },
    stemcell,
    boshvirtCommand,
  );
  return await interpolateText({ manifestPath, opsFiles, vars, varsFiles: [] });
}

/** Keeps what create-env has just been done by. */
export const keepManifest = async (name: string, manifest: string): Promise<void> =>
  await writeFileAtomic(environmentPaths(name).deployedManifest, manifest);

/** undefined where none was kept: nothing is deployed, or an earlier version of boshvirt did it. */
export const keptManifest = async (name: string): Promise<string | undefined> =>
  await readTextIfThere(environmentPaths(name).deployedManifest);
