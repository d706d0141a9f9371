import { type Artifact, type WhereItIs, whatIsThere } from '../../downloads/index.ts';
import { boshArtifact, findBoshProgram } from '../bosh-program.ts';
import { checkoutArtifact } from '../checkouts/index.ts';
import type { StemcellSource } from '../deploy.ts';
import { neededArtifacts } from '../director/needed-artifacts.ts';
import { cacheFolder } from '../paths.ts';
import type { EnvironmentRecord } from '../record.ts';

/** What an environment with a director is made from, and what of it is on this machine. */
export interface Downloads {
  readonly artifacts: readonly WhereItIs[];
  /** false: bosh-deployment is to be fetched first, and only then is known what else. */
  readonly complete: boolean;
}

/** `manifest` is undefined where bosh-deployment is not there yet. A machine without a director has no downloads. */
export async function downloadsOf(
  record: EnvironmentRecord,
  stemcell: StemcellSource,
  manifest: string | undefined,
): Promise<Downloads> {
  if (record.profile === 'machine') return { artifacts: [], complete: true };
  const program = (await findBoshProgram()) ? [] : [await boshArtifact()];
  const others = await artifactsOf(record, stemcell, manifest);
  const artifacts = await whatIsThere([...program, ...others], cacheFolder());
  const once = artifacts.filter(({ url }, at) => artifacts.findIndex((each) => each.url === url) === at);
  return { artifacts: once, complete: manifest !== undefined };
}

async function artifactsOf(
  record: EnvironmentRecord,
  stemcell: StemcellSource,
  manifest: string | undefined,
): Promise<readonly Artifact[]> {
  if (manifest === undefined)
    return [await checkoutArtifact('bosh-deployment', record.boshDeployment ?? 'pinned')];
  const { createEnv, director } = await neededArtifacts(record, stemcell, manifest);
  return [...createEnv, ...director];
}
