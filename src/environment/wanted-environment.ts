import { checkoutOf } from './checkouts/index.ts';
import { chooseBackend } from './choose-backend.ts';
import { chooseHost } from './choose-host.ts';
import { decideEnvironment } from './decide.ts';
import type { StemcellSource } from './deploy.ts';
import { fetchOptionsOf } from './fetch-options.ts';
import { plannedStemcell } from './plan/planned-stemcell.ts';
import { type EnvironmentRecord, readRecord } from './record.ts';
import type { Caller } from './steps/step.ts';
import { refuseSenseless, refuseUnfit } from './up-request.ts';
import type { UpRequest } from './up-settings.ts';

/** An environment as `up` would make it. */
export interface WantedEnvironment {
  readonly record: EnvironmentRecord;
  readonly stemcell: StemcellSource;
}

/**
 * Decides what `up` would decide, and makes nothing but, in the cache, the folder of bosh-deployment that its manifest is composed
 * of. Throws what `up` would throw for a request that cannot be.
 */
export async function wantedEnvironment(
  name: string,
  request: UpRequest,
  options: { readonly offline: boolean },
  caller: Pick<Caller, 'log' | 'signal'>,
): Promise<WantedEnvironment> {
  refuseSenseless(name, request);
  const before = await readRecord(name);
  await refuseUnfit(request, before);
  const { module } = await chooseBackend(request, before);
  const chosen = await chooseHost(module, request, before, caller.signal);
  const decided = await decideEnvironment(name, request, chosen, before);
  return {
    record: await withBoshDeployment(decided, options, caller),
    stemcell: await plannedStemcell(decided, before, caller.signal),
  };
}

async function withBoshDeployment(
  record: EnvironmentRecord,
  options: { readonly offline: boolean },
  caller: Pick<Caller, 'log' | 'signal'>,
): Promise<EnvironmentRecord> {
  if (record.profile === 'machine') return record;
  const fetching = fetchOptionsOf(options, caller);
  const folder = await checkoutOf('bosh-deployment', record.boshDeployment ?? 'pinned', fetching);
  return { ...record, boshDeploymentFolder: folder };
}
