import { interpolateText } from '../../engine/template/index.ts';
import { deploySource, type StemcellSource } from '../deploy.ts';
import { requireFiles } from '../inputs.ts';
import type { EnvironmentRecord } from '../record.ts';

/**
 * The manifest of the environment's director, with all that is known filled in; what bosh generates stays ((names)). Throws
 * USAGE for a folder of bosh-deployment that lacks a file.
 */
export async function directorManifest(
  record: EnvironmentRecord,
  stemcell: StemcellSource,
  boshvirtCommand: string,
): Promise<string> {
  const { manifestPath, opsFiles, vars, varsFiles } = deploySource(record, stemcell, boshvirtCommand);
  await requireFiles('file of bosh-deployment', [manifestPath, ...opsFiles]);
  return await interpolateText({ manifestPath, opsFiles, vars, varsFiles });
}
