import type { Backend, VmDetails } from '../cpi/backend.ts';
import type { Log } from '../platform/log.ts';
import { instanceName } from './ownership.ts';
import { requireRecord } from './record.ts';
import { openBackend } from './session.ts';

export interface EnvironmentVm extends VmDetails {
  /** BOSH's name for it, `group/index`; undefined until BOSH has said. */
  readonly instance: string | undefined;
  /** Names of its snapshots, oldest first. */
  readonly snapshots: readonly string[];
}

/** All VMs that carry the environment's name, whoever had them made. */
export async function vms(name: string, log: Log): Promise<EnvironmentVm[]> {
  const record = await requireRecord(name);
  await using backend = await openBackend(record, log);
  return await vmsOf(backend, name);
}

export async function vmsOf(
  { ground, snapshots }: Pick<Backend, 'ground' | 'snapshots'>,
  environment: string,
): Promise<EnvironmentVm[]> {
  const found = await Promise.all(
    (await ground.census()).vms.map(async (vm) => ({
      ...vm,
      instance: instanceName(vm.metadata, environment),
      snapshots: ((await snapshots?.list(vm.cid)) ?? []).map((snapshot) => snapshot.name),
    })),
  );
  return found.sort((a, b) => compare(a.instance ?? a.cid, b.instance ?? b.cid));
}

const compare = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
