import { fetchArtifacts, seedBoshDownloads } from '../../../downloads/index.ts';
import { fetchOptionsOf } from '../../fetch-options.ts';
import { environmentPaths } from '../../paths.ts';
import type { Step } from '../../steps/step.ts';
import { required, type UpJob, type UpWork } from '../../up-job.ts';
import { directorManifest } from '../director-manifest.ts';
import { neededArtifacts } from '../needed-artifacts.ts';
import { refuseMismatch } from '../refuse-mismatch.ts';

/** Stemcells and releases, side by side; bosh then finds in its own cache what it would fetch one after the other. */
export function downloadsStep({ name, options, caller }: UpJob): Step<UpWork> {
  return {
    title: 'Fetch stemcells and releases',
    async run(work, say) {
      const [record, stemcell] = [required(work.record), required(work.stemcell)];
      const manifest = await directorManifest(record, stemcell, options.boshvirtCommand);
      await refuseMismatch(record, stemcell, manifest, caller);
      const { createEnv, director } = await neededArtifacts(record, stemcell, manifest);
      work.fetched = await fetchArtifacts(
        [...createEnv, ...director],
        fetchOptionsOf(options, caller, say, 'director'),
      );
      await seedBoshDownloads(work.fetched.slice(0, createEnv.length), environmentPaths(name).work);
    },
  };
}
