import { UserError } from '../../platform/errors.ts';
import { directorAccess } from '../director/index.ts';
import { requireRecord } from '../record.ts';
import { roadTo } from '../session.ts';
import type { Caller } from '../steps/step.ts';
import { type CfRecord, readCfRecord } from './cf-record.ts';
import { type CredHub, openCredHub } from './credhub.ts';
import { type LiteRecord, requireLite } from './require-lite.ts';

/** How to log in to a Cloud Foundry. */
export interface CfCredentials {
  readonly record: LiteRecord;
  /** `https://api.DOMAIN` */
  readonly api: string;
  readonly username: string;
  readonly password: string;
}

/**
 * The administrator's login, out of the director's CredHub. Throws NO_ENVIRONMENT where no Cloud Foundry was deployed.
 */
export async function cfCredentials(
  environment: string,
  { signal }: Pick<Caller, 'signal'>,
): Promise<CfCredentials> {
  const record = requireLite(await requireRecord(environment));
  const cf = await readCfRecord(environment);
  const way = { road: await roadTo(record), signal };
  const credhub = await openCredHub(await directorAccess(record), way);
  const password = await secretOf(credhub, cf, 'cf_admin_password');
  if (typeof password !== 'string') {
    throw new UserError('NO_ENVIRONMENT', `There is no Cloud Foundry in environment '${environment}'`, {
      hints: [`deploy one: boshvirt cf up ${environment}`],
    });
  }
  return {
    record,
    api: `https://api.${cf?.systemDomain ?? record.workload.domain}`,
    username: 'admin',
    password,
  };
}

/** A variable of the deployment; CredHub has it below the director's name and the deployment's. */
export async function secretOf(
  credhub: CredHub,
  cf: Pick<CfRecord, 'deployment'> | undefined,
  variable: string,
): Promise<unknown> {
  const end = `/${cf?.deployment ?? 'cf'}/${variable}`;
  const name = (await credhub.find(variable)).find((found) => found.endsWith(end));
  return name === undefined ? undefined : await credhub.value(name);
}
