import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isMap, readYaml } from '../../engine/template/index.ts';
import { UserError } from '../../platform/errors.ts';
import type { CfRecord } from './cf-record.ts';
import type { LiteRecord } from './require-lite.ts';

/** What a person asked `cf up` for; what nobody said is undefined. */
export interface CfRequest {
  /** A folder, a commit of cf-deployment, or `pinned`. */
  readonly cfDeployment?: string | undefined;
  readonly systemDomain?: string | undefined;
  readonly ops?: readonly string[] | undefined;
  readonly vars?: CfRecord['vars'] | undefined;
  readonly varsFiles?: readonly string[] | undefined;
}

export type CfSettings = Omit<CfRecord, 'version' | 'deployment'>;

const domainPattern = /^(?=.{1,200}$)([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z][-a-z0-9]*$/;

/**
 * What was asked for, over what was asked before, over what the environment's network offers. `inFiles`: the system domain of
 * the variables files that were asked for. Throws a UserError.
 */
export function cfSettings(
  record: LiteRecord,
  before: CfRecord | undefined,
  request: CfRequest,
  inFiles?: unknown,
): CfSettings {
  // as a variable it would go before a --system-domain of another day
  const { system_domain: inVars, ...vars } = request.vars ?? before?.vars ?? {};
  const systemDomain =
    request.systemDomain ?? inVars ?? inFiles ?? before?.systemDomain ?? record.workload.domain;
  if (typeof systemDomain !== 'string' || !domainPattern.test(systemDomain)) {
    throw new UserError('USAGE', `'${String(systemDomain)}' cannot be the system domain`, {
      hints: ['write a domain in lower-case letters, such as cf.example.com'],
    });
  }
  return {
    cfDeployment: wholePath(request.cfDeployment) ?? before?.cfDeployment ?? 'pinned',
    systemDomain,
    ops: [...(request.ops ?? before?.ops ?? [])],
    varsFiles: [...(request.varsFiles ?? before?.varsFiles ?? [])],
    vars,
  };
}

/** The last of the files that names one goes before the others, as with bosh. */
export async function systemDomainIn(varsFiles: readonly string[]): Promise<unknown> {
  const read = await Promise.all(varsFiles.map(async (path) => readYaml(await readFile(path, 'utf8'), path)));
  return read
    .flatMap((vars) => (isMap(vars) ? [vars.system_domain] : []))
    .findLast((name) => name !== undefined);
}

/** A folder means the same wherever the next command is typed. */
function wholePath(ref: string | undefined): string | undefined {
  if (ref === undefined || ref === 'pinned' || /^[0-9a-f]{40}$/.test(ref)) return ref;
  return resolve(ref);
}
