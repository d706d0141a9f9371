import { resolve } from 'node:path';
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

/** What was asked for, over what was asked before, over what the environment's network offers. Throws a UserError. */
export function cfSettings(record: LiteRecord, before: CfRecord | undefined, request: CfRequest): CfSettings {
  const vars = request.vars ?? before?.vars ?? {};
  const systemDomain =
    request.systemDomain ?? vars.system_domain ?? before?.systemDomain ?? record.workload.domain;
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

/** A folder means the same wherever the next command is typed. */
function wholePath(ref: string | undefined): string | undefined {
  if (ref === undefined || ref === 'pinned' || /^[0-9a-f]{40}$/.test(ref)) return ref;
  return resolve(ref);
}
