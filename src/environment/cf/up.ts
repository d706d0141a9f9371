import { UserError } from '../../platform/errors.ts';
import { takeLock } from '../../platform/lock.ts';
import { directorBosh } from '../director/index.ts';
import { guestPlace } from '../guest-place.ts';
import { requireFiles } from '../inputs.ts';
import { environmentPaths } from '../paths.ts';
import { requireRecord } from '../record.ts';
import { requireRunningVm, roadTo } from '../session.ts';
import type { Caller } from '../steps/step.ts';
import { boshLines } from './bosh-lines.ts';
import { readCfRecord } from './cf-record.ts';
import { type CfRequest, type CfSettings, cfSettings, systemDomainIn } from './cf-settings.ts';
import { judgeSize, refuseTooSmall } from './judge-size.ts';
import type { CfPlan } from './plan-cf.ts';
import { type LiteRecord, requireLite } from './require-lite.ts';
import { type CfUpOptions, type CfWork, planOf, stepsOfCfUp } from './up-steps.ts';

export interface CfUpOutcome {
  readonly api: string;
  readonly router: string;
  /** What programs of this machine take for the API's address; undefined: they do not know the name. */
  readonly apiAddress: string | undefined;
}

/**
 * Deploys Cloud Foundry to a lite environment, or goes on where an earlier try stopped. Sizes are looked at before anything is
 * fetched. A second boshvirt on the same environment is refused (LOCKED).
 */
export async function cfUp(
  environment: string,
  request: CfRequest,
  options: CfUpOptions,
  caller: Caller,
): Promise<CfUpOutcome> {
  const { record, settings } = await prepare(environment, request);
  await approveTightness(record, caller);
  await using _ = await takeLock(environmentPaths(environment).lock, 0, `boshvirt cf up ${environment}`);
  await requireRunningVm(record, caller.log);
  const bosh = await directorBosh(record, caller);
  const [road, place] = [await roadTo(record), await guestPlace(record)];
  const work: CfWork = {};
  await caller.runSteps(stepsOfCfUp({ record, settings, options, caller, bosh, road, place }), work);
  return {
    api: `https://api.${settings.systemDomain}`,
    router: record.workload.router,
    apiAddress: work.apiAddress,
  };
}

/** The commands that `cf up` would run. Of all that it does, only cf-deployment is fetched, to be read. */
export async function cfDryRun(
  environment: string,
  request: CfRequest,
  options: CfUpOptions,
  caller: Caller,
): Promise<{ plan: CfPlan; lines: string[] }> {
  const { record, settings } = await prepare(environment, request);
  const plan = await planOf({ record, settings, options, caller }, caller.tell);
  return { plan, lines: boshLines(plan, Object.keys(settings.vars), record) };
}

async function prepare(
  environment: string,
  request: CfRequest,
): Promise<{ record: LiteRecord; settings: CfSettings }> {
  const record = requireLite(await requireRecord(environment));
  refuseTooSmall(record);
  await requireFiles('variables file', request.varsFiles ?? []);
  const inFiles = await systemDomainIn(request.varsFiles ?? []);
  const settings = cfSettings(record, await readCfRecord(environment), request, inFiles);
  await requireFiles('ops-file', settings.ops);
  await requireFiles('variables file', settings.varsFiles);
  return { record, settings };
}

async function approveTightness({ name, resources }: LiteRecord, caller: Caller): Promise<void> {
  const tight = judgeSize(resources, 'recommended');
  if (tight.length === 0) return;
  const question = `The machine of '${name}' is small for Cloud Foundry (${tight.join(', ')}; boshvirt up ${name} --size cf makes it larger). Deploy all the same?`;
  if (await caller.confirm(question, 'yes')) return;
  throw new UserError('DECLINED', 'Nothing was deployed');
}
