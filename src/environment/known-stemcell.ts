import { readPins, type StemcellPin } from '../manifest/pins.ts';
import { UserError } from '../platform/errors.ts';
import type { StemcellSource } from './deploy.ts';
import type { EnvironmentRecord } from './record.ts';

/** Whether the machine boots from the stemcell that this version of boshvirt was made for: nobody named one for a director. */
export const hasPinnedStemcell = ({
  profile,
  stemcell,
  agent,
}: Pick<EnvironmentRecord, 'profile' | 'stemcell' | 'agent'>): boolean =>
  profile !== 'machine' && stemcell === undefined && agent === undefined;

/** The stemcell for a director's machine on a backend. Throws a UserError UNSUPPORTED where there is none. */
export async function pinnedStemcell(
  backend: string,
): Promise<Pick<StemcellPin, 'name' | 'version' | 'url' | 'sha1'>> {
  const pin = (await readPins())['machine-stemcells'][backend];
  if (pin) return pin;
  throw new UserError('UNSUPPORTED', `boshvirt knows no stemcell for a director on ${backend}`, {
    hints: ['name one: --stemcell FILE'],
  });
}

/** The stemcell of an environment's machine without a look at it; undefined before `up` has found or built it. */
export async function knownStemcell(
  record: Pick<EnvironmentRecord, 'profile' | 'backend' | 'stemcell' | 'agent' | 'stemcellFile'>,
): Promise<StemcellSource | undefined> {
  return hasPinnedStemcell(record) ? await pinnedStemcell(record.backend) : record.stemcellFile;
}
