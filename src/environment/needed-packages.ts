import type { BackendModule } from '../cpi/backend.ts';
import { directorPackages, missingPackages, stemcellPackages } from '../host/findings/index.ts';
import { isOnThisMachine } from './choose-backend.ts';
import type { EnvironmentRecord } from './record.ts';
import { chosenStemcell, profileOf, type UpRequest } from './up-settings.ts';

/** Packages that an environment takes and this machine lacks. */
export async function neededPackages(
  backend: BackendModule,
  request: UpRequest,
  before: EnvironmentRecord | undefined,
): Promise<string[]> {
  const { stemcell, agent } = chosenStemcell(request, before);
  const isDirector = profileOf(request, before) !== 'machine';
  const builds = stemcell === undefined && (!isDirector || agent !== undefined);
  const local = isOnThisMachine(request.uri ?? before?.uri ?? '');
  return await missingPackages([
    ...(local ? (await backend.preflight()).packages : []),
    ...(builds ? stemcellPackages : []),
    ...(isDirector ? directorPackages : []),
  ]);
}
