import { refuseUnknown } from './decide.ts';
import { refuseJoined } from './hosts/refuse-joined.ts';
import { requireFiles } from './inputs.ts';
import { planNetwork } from './network-plan.ts';
import { checkEnvironmentName } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import { refuseImpossible, refuseMove, type UpRequest } from './up-settings.ts';

/** Throws a UserError for what makes no sense, whatever stands. */
export function refuseSenseless(name: string, request: UpRequest): void {
  checkEnvironmentName(name);
  refuseUnknown(request);
  refuseImpossible(request);
  if (request.cidr !== undefined && request.cidr !== 'auto') planNetwork(request.cidr, request.ip);
}

/** Throws a UserError for what does not go with what stands, and for files that are not there. */
export async function refuseUnfit(request: UpRequest, before: EnvironmentRecord | undefined): Promise<void> {
  if (before) refuseJoined(before);
  if (before) refuseMove(request, before);
  await requireFiles('ops-file', request.ops ?? before?.ops ?? []);
  await requireFiles('variables file', request.varsFiles ?? before?.varsFiles ?? []);
  const stemcells = [request.stemcell, request.workloadStemcell].filter((path) => path !== undefined);
  await requireFiles(
    'stemcell',
    stemcells.filter((path) => path !== 'none'),
  );
  await requireFiles('agent', request.agent === undefined ? [] : [request.agent]);
}
