import { UserError } from '../../platform/errors.ts';
import type { EnvironmentRecord } from '../record.ts';
import { readVarsStore, storeLacks } from '../vars-store.ts';

/** A service and who may use it. */
interface Login {
  readonly url: string;
  readonly client: string;
  readonly secret: string;
  /** PEM of who signed the service's certificate. */
  readonly ca: string;
}

export interface DirectorAccess extends Login {
  /** Both undefined for a director that a user's ops-file left without them. */
  readonly uaa: Pick<Login, 'url' | 'ca'> | undefined;
  readonly credhub: Login | undefined;
}

/** Ports, clients and variables as in bosh-deployment's bosh.yml, uaa.yml and credhub.yml. */
const ports = { director: 25555, uaa: 8443, credhub: 8844 };

/**
 * How to log in to the environment's director, out of its vars-store. Throws a UserError USAGE for an environment without a
 * director, STATE_DAMAGED for a store that lacks its secrets.
 */
export async function directorAccess(
  record: Pick<EnvironmentRecord, 'name' | 'profile' | 'network'>,
): Promise<DirectorAccess> {
  refuseWithout(record);
  const store = await readVarsStore(record.name);
  const address = (port: number) => `https://${record.network.ip}:${port}`;
  const [ca, secret] = [caOf(store.director_ssl), store.admin_password];
  if (ca === undefined || typeof secret !== 'string')
    storeLacks(record.name, 'director_ssl or admin_password');
  const [uaaCa, credhubCa] = [caOf(store.uaa_ssl), caOf(store.credhub_tls)];
  const credhubSecret = store.credhub_admin_client_secret;
  return {
    ...{ url: address(ports.director), client: 'admin', secret, ca },
    uaa: uaaCa === undefined ? undefined : { url: address(ports.uaa), ca: uaaCa },
    credhub:
      credhubCa === undefined || typeof credhubSecret !== 'string'
        ? undefined
        : { url: address(ports.credhub), client: 'credhub-admin', secret: credhubSecret, ca: credhubCa },
  };
}

/** false for one machine by itself. */
export const hasDirector = ({ profile }: Pick<EnvironmentRecord, 'profile'>): boolean =>
  profile !== 'machine';

function refuseWithout(record: Pick<EnvironmentRecord, 'name' | 'profile'>): void {
  if (hasDirector(record)) return;
  throw new UserError('USAGE', `Environment '${record.name}' is a machine without a director`, {
    hints: ['one with a director: boshvirt up NAME --profile lite'],
  });
}

/** A generated certificate has its issuer's beside it. */
const caOf = (certificate: unknown): string | undefined =>
  (certificate as { ca?: string } | undefined)?.ca || undefined;
