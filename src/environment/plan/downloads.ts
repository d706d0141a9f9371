import { type Artifact, type WhereItIs, whatIsThere } from '../../downloads/index.ts';
import { boshArtifact, findBoshProgram } from '../bosh-program.ts';
import { checkoutArtifact } from '../checkouts/index.ts';
import type { StemcellSource } from '../deploy.ts';
import { directorManifest } from '../director/director-manifest.ts';
import { neededArtifacts } from '../director/needed-artifacts.ts';
import { cacheFolder } from '../paths.ts';
import type { EnvironmentRecord } from '../record.ts';

/** What an environment with a director is made from, and what of it is on this machine. */
export interface Downloads {
  readonly artifacts: readonly WhereItIs[];
  /** false: bosh-deployment is to be fetched first, and only then is known what else. */
  readonly complete: boolean;
}

/** `sources` is undefined where bosh-deployment is not there yet. A machine without a director has no downloads. */
export async function downloadsOf(
  record: EnvironmentRecord,
  sources: EnvironmentRecord | undefined,
  stemcell: StemcellSource,
  boshvirtCommand: string,
): Promise<Downloads> {
  if (record.profile === 'machine') return { artifacts: [], complete: true };
  const program = (await findBoshProgram()) ? [] : [await boshArtifact()];
  const others = sources
    ? await artifactsOf(sources, stemcell, boshvirtCommand)
    : [await checkoutArtifact('bosh-deployment', record.boshDeployment ?? 'pinned')];
  const artifacts = await whatIsThere([...program, ...others], cacheFolder());
  const once = artifacts.filter(({ url }, at) => artifacts.findIndex((each) => each.url === url) === at);
  return { artifacts: once, complete: sources !== undefined };
}

/** By a manifest with the user's own variables filled in: they may say where releases are. */
async function artifactsOf(
  record: EnvironmentRecord,
  stemcell: StemcellSource,
  boshvirtCommand: string,
): Promise<readonly Artifact[]> {
  const manifest = await directorManifest(record, stemcell, boshvirtCommand);
  const { createEnv, director } = await neededArtifacts(record, stemcell, manifest);
  return [...createEnv, ...director];
}
