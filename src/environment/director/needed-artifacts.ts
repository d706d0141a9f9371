import type { Artifact } from '../../downloads/index.ts';
import { artifactsOf } from '../../manifest/artifacts.ts';
import type { StemcellSource } from '../deploy.ts';
import type { EnvironmentRecord } from '../record.ts';
import { releasesIn } from './config-releases.ts';
import { renderedConfigs } from './rendered-configs.ts';
import { workloadStemcellOf } from './workload-stemcell.ts';

/** What an environment with a director is made from, by who asks for it. */
export interface NeededArtifacts {
  /** What bosh looks for while it carries out create-env. */
  readonly createEnv: readonly Artifact[];
  /** What the director is given afterwards. */
  readonly director: readonly Artifact[];
}

/** All that has to be on this machine before create-env by `manifest`, an open one. */
export async function neededArtifacts(
  record: EnvironmentRecord,
  stemcell: StemcellSource,
  manifest: string,
): Promise<NeededArtifacts> {
  const configs = await renderedConfigs(record);
  const workload = await workloadStemcellOf(record);
  return {
    // a tarball of the user's has been read already
    createEnv: artifactsOf(manifest).filter(
      ({ urls: [url] }) => !('path' in stemcell && url.endsWith(stemcell.path)),
    ),
    director: [
      ...configs.flatMap(({ text }) => releasesIn(text).map(({ artifact }) => artifact)),
      ...(workload.kind === 'pinned' ? [workload.artifact] : []),
    ],
  };
}
