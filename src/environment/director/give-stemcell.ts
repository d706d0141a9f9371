import type { Fetched } from '../../downloads/index.ts';
import type { DirectorBosh } from './director-bosh.ts';
import { workloadStemcellOf } from './workload-stemcell.ts';

/** Uploads the stemcell of deployments unless the director has it. */
export async function giveStemcell(
  bosh: DirectorBosh,
  fetched: readonly Fetched[],
  say: (line: string) => void,
): Promise<void> {
  const stemcell = await workloadStemcellOf(bosh.record);
  if (stemcell.kind === 'none') {
    say('none is wanted');
    return;
  }
  const place =
    stemcell.kind === 'file'
      ? stemcell.path
      : (fetched.find(({ artifact }) => artifact.urls[0] === stemcell.artifact.urls[0])?.path ?? '');
  say(stemcell.kind === 'file' ? place : stemcell.artifact.name);
  // bosh asks the director first, and uploads nothing that is there
  await bosh.run(['upload-stemcell', place], { onLine: say });
}
