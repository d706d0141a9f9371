import { inspectStemcell } from '../../stemcell/inspect-stemcell.ts';
import type { StemcellSource } from '../deploy.ts';
import { hasPinnedStemcell, pinnedStemcell } from '../known-stemcell.ts';
import type { EnvironmentRecord } from '../record.ts';

/** The stemcell as the manifest will name it; of one that `up` has yet to build, neither place nor checksum is known. */
export async function plannedStemcell(
  wanted: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
  signal: AbortSignal,
): Promise<StemcellSource> {
  if (hasPinnedStemcell(wanted)) return await pinnedStemcell(wanted.backend);
  const isSame = wanted.stemcell === before?.stemcell && wanted.agent?.sha256 === before?.agent?.sha256;
  if (isSame && before?.stemcellFile) return before.stemcellFile;
  if (wanted.stemcell !== undefined) return await inspectStemcell(wanted.stemcell, signal);
  return { path: '(built by boshvirt up)', sha1: '(known when it is built)' };
}
