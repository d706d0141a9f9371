import type { Inventory, VmCid } from '../../cpi/backend.ts';
import { type CpiServerState, cpiServerState, needsCpiServer } from '../cpi-server.ts';
import { hasDirector } from '../director/index.ts';
import { hasItsInputs } from '../distance.ts';
import { readHosts } from '../hosts/hosts-record.ts';
import { tunnelsStand } from '../hosts/join-host.ts';
import type { EnvironmentRecord } from '../record.ts';
import { currentVm, hostRuns, openBackend } from '../session.ts';
import type { Caller } from '../steps/step.ts';

/** What stands of an environment. */
export interface Standing {
  /** false where the private host is down. */
  readonly hostRuns: boolean;
  /** undefined where the hypervisor cannot be asked, or nothing of the environment was ever made. */
  readonly inventory: Pick<Inventory, 'vms' | 'storageActive' | 'networkActive'> | undefined;
  readonly vm: VmCid | undefined;
  /** Names of the director's other hosts, and whether this end of the way to them is there. */
  readonly otherHosts: { readonly names: readonly string[]; readonly joined: boolean };
  /** undefined where none is needed. */
  readonly cpiServer: Pick<CpiServerState, 'state' | 'url'> | undefined;
  /** What the director was given: nothing yet, what it would be given now, or something else; undefined: there is none. */
  readonly director: 'nothing' | 'the same' | 'another' | undefined;
}

/** Looks, and changes nothing. Throws HYPERVISOR if a libvirt that should run does not answer. */
export async function standingOf(
  wanted: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
  { log, signal }: Pick<Caller, 'log' | 'signal'>,
): Promise<Standing> {
  const runs = await hostRuns(wanted);
  const cpiServer = needsCpiServer(wanted) ? await cpiServerState(wanted, signal) : undefined;
  const director = hasDirector(wanted) ? await directorHas(wanted, before) : undefined;
  const facts = { hostRuns: runs, cpiServer, director };
  const names = (await readHosts(wanted.name)).hosts.map(({ name }) => name);
  if (!before) return { ...facts, otherHosts: { names, joined: false }, inventory: undefined, vm: undefined };
  const vm = await currentVm(before.name);
  if (!runs) return { ...facts, otherHosts: { names, joined: false }, inventory: undefined, vm };
  await using backend = await openBackend(before, log);
  const [inventory, joined] = [await backend.ground.inventory(), await tunnelsStand(before)];
  return { ...facts, otherHosts: { names, joined }, inventory, vm };
}

async function directorHas(
  wanted: EnvironmentRecord,
  before: EnvironmentRecord | undefined,
): Promise<Standing['director']> {
  if (before?.directorInputs === undefined) return 'nothing';
  if (wanted.boshDeploymentFolder === undefined) return 'another'; // up will know once it has fetched it
  return (await hasItsInputs(wanted, before)) ? 'the same' : 'another';
}
