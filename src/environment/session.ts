import type { Backend, BackendConfig, VmCid } from '../cpi/backend.ts';
import { backendModule } from '../cpi/backends/registry.ts';
import type { GuestRoad } from '../engine/engine.ts';
import { guestRoad } from '../host/forward.ts';
import { driverOf } from '../host/libvirt-service.ts';
import { findPrivateHost, privateHostNames, startPrivateHost } from '../host/private-host/index.ts';
import { UserError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { readBoshState } from './bosh-state.ts';
import { privateHostFolder } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';

/** Opens the environment's backend as its CPI would. Throws a UserError HYPERVISOR if nobody answers. */
export async function openBackend(record: EnvironmentRecord, log: Log): Promise<Backend> {
  if (!(await hostRuns(record))) throw hostIsDown(record);
  const module = await backendModule(record.backend);
  return await module.open(backendConfigOf(record), log);
}

/** What its CPI is told. */
export const backendConfigOf = (record: EnvironmentRecord): BackendConfig => ({
  environment: record.name,
  uri: record.uri,
  storagePool: record.pool.name,
  network: record.network.name,
  networkNamespace: networkNamespaceOf(record),
  options: {},
});

/** Makes sure that the libvirt of a private host runs; its guests with autostart come with it. */
export async function wakeHost(record: EnvironmentRecord, log: Log, signal: AbortSignal): Promise<void> {
  if (record.host === 'private')
    await startPrivateHost(privateHostFolder(), { driver: driverOf(record.uri), log, signal });
}

/** true unless the environment's private host is down (after a reboot, say). */
export async function hostRuns(record: Pick<EnvironmentRecord, 'host'>): Promise<boolean> {
  return record.host !== 'private' || (await privateHostRuns());
}

/** Whether this user's private libvirt host is up. */
export const privateHostRuns = async (): Promise<boolean> =>
  (await findPrivateHost(privateHostFolder())) !== undefined;

/** The path of the network namespace that the environment's bridges are in; undefined for the machine's own. */
export function networkNamespaceOf({ host }: Pick<EnvironmentRecord, 'host'>): string | undefined {
  return host === 'private' ? privateHostNames(privateHostFolder()).netnsPath : undefined;
}

/** The way to the environment's guests. */
export async function roadTo(record: EnvironmentRecord): Promise<GuestRoad> {
  if (record.host !== 'private') return guestRoad(undefined);
  const host = await findPrivateHost(privateHostFolder());
  if (!host) throw hostIsDown(record);
  return guestRoad(host.netnsPath);
}

/** Nobody answers for the environment until its private host is started. */
export const hostIsDown = ({ name }: EnvironmentRecord): UserError =>
  new UserError('HYPERVISOR', `The private libvirt host in ${privateHostFolder()} is not running`, {
    hints: [`boshvirt up ${name} starts it again`],
  });

/** The machine's CID, as bosh's state file has it; undefined before create_vm and after delete_vm. */
export async function currentVm(name: string): Promise<VmCid | undefined> {
  return (await readBoshState(name)).vm as VmCid | undefined;
}

/** The machine's CID, for commands that need a machine. */
export async function requireVm(name: string): Promise<VmCid> {
  const cid = await currentVm(name);
  if (cid) return cid;
  throw new UserError('NO_ENVIRONMENT', `Environment '${name}' has no machine`, {
    hints: [`make it with: boshvirt up ${name}`],
  });
}

/** Throws a UserError that says how to go on if the environment's VM does not run, so that nobody waits for its answer. */
export async function requireRunningVm(record: EnvironmentRecord, log: Log): Promise<VmCid> {
  const cid = await requireVm(record.name);
  await using backend = await openBackend(record, log);
  const state = (await backend.ground.inventory()).vms.find((vm) => vm.cid === cid)?.state ?? 'gone';
  if (state === 'running') return cid;
  throw new UserError(
    'TEMPORARY',
    `The machine of '${record.name}' is ${state === 'off' ? 'stopped' : state}`,
    {
      hints: [`boshvirt up ${record.name} brings it back`],
    },
  );
}
