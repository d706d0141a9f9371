import type { BackendModule } from '../cpi/backend.ts';
import { missingPackages, stemcellPackages } from '../host/findings/index.ts';
import { isOnThisMachine } from './choose-backend.ts';
import type { EnvironmentRecord } from './record.ts';
import { chosenStemcell, type UpRequest } from './up-settings.ts';

/** Packages that an environment takes and this machine lacks. */
export async function neededPackages(
  backend: BackendModule,
  request: UpRequest,
  before: EnvironmentRecord | undefined,
): Promise<string[]> {
  const local = isOnThisMachine(request.uri ?? before?.uri ?? '');
  return await missingPackages([
    ...(local ? (await backend.preflight()).packages : []),
    ...(chosenStemcell(request, before).stemcell === undefined ? stemcellPackages : []),
  ]);
}
