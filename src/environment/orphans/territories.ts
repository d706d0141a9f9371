import type { BackendModule } from '../../cpi/backend.ts';
import { systemUri, withoutDriver } from '../../host/libvirt-service.ts';
import { findPrivateHost, privateHostUri } from '../../host/private-host/index.ts';
import { messageOf, UserError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { objectNames } from '../network-plan.ts';
import { privateHostFolder } from '../paths.ts';
import { type EnvironmentRecord, environmentNames, readRecord } from '../record.ts';
import { hostRuns, networkNamespaceOf } from '../session.ts';
import { modulesAt, type Site, sitesOf, uriAt } from '../sites.ts';
import type { Territory } from './territory.ts';

export interface Territories {
  readonly territories: readonly Territory[];
  /** What could not be looked into, or may be somebody else's, for people. */
  readonly unseen: readonly string[];
}

/** A libvirt, by whichever of its drivers. */
interface Machine {
  /** Its URI without the driver. */
  readonly place: string;
  readonly isPrivate: boolean;
}

/**
 * Where orphans may be: in all environments of this user, and in those of which something is left on their libvirts; or in
 * the one named `only`. On a libvirt that others may use too, an environment without a record is looked into only if it
 * is named: it may be theirs. Throws NO_ENVIRONMENT if nothing is left of the one named.
 */
export async function findTerritories(
  only: string | undefined,
  log: Log,
  signal: AbortSignal,
): Promise<Territories> {
  const { records, damaged } = await readRecords();
  const territories: Territory[] = [];
  const unseen = only === undefined ? [...damaged.values()] : [];
  const looked = records.filter(({ name }) => only === undefined || name === only);
  for (const record of looked) {
    try {
      if (await hostRuns(record)) territories.push(await territoryOf(record, signal));
      else
        unseen.push(
          `'${record.name}': the private libvirt host is down; boshvirt up ${record.name} starts it`,
        );
    } catch (error) {
      signal.throwIfAborted();
      unseen.push(`'${record.name}': ${messageOf(error)}`);
    }
  }
  const knownNames = [...records.map(({ name }) => name), ...damaged.keys()];
  const isUnknown = only !== undefined && !knownNames.includes(only);
  for (const machine of await machinesOf(records, isUnknown ? [systemMachine] : [])) {
    const here = records.filter((record) => machineOf(record).place === machine.place);
    // elsewhere than on our own host, one of the name of ours may be somebody else's
    const known = machine.isPrivate ? [...here.map(({ name }) => name), ...damaged.keys()] : knownNames;
    const uri = here[0]?.uri ?? machine.place;
    const gone = await goneOn(machine, known, log, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      unseen.push(`${uri}: ${messageOf(error)}`);
      return [];
    });
    if (only !== undefined) territories.push(...gone.filter(({ environment }) => environment === only));
    else if (machine.isPrivate) territories.push(...gone);
    else if (gone.length > 0) unseen.push(perhapsOthers(uri, gone));
  }
  if (isUnknown && territories.length + unseen.length === 0)
    throw new UserError('NO_ENVIRONMENT', `There is no environment '${only}', and nothing is left of one`);
  const problem = only === undefined ? undefined : damaged.get(only);
  if (problem !== undefined) unseen.push(problem);
  return { territories, unseen };
}

async function readRecords() {
  const records: EnvironmentRecord[] = [];
  const damaged = new Map<string, string>();
  for (const name of (await environmentNames()).sort()) {
    try {
      const record = await readRecord(name);
      if (record) records.push(record);
    } catch (error) {
      damaged.set(name, `'${name}': ${messageOf(error)}`);
    }
  }
  return { records, damaged };
}

async function territoryOf(record: EnvironmentRecord, signal: AbortSignal): Promise<Territory> {
  return { environment: record.name, gone: false, sites: await sitesOf(record, signal) };
}

const perhapsOthers = (uri: string, gone: readonly Territory[]): string =>
  `${uri} has environments that may be somebody else’s: ${gone.map(({ environment }) => environment).join(', ')}; ` +
  'if one is nobody’s: boshvirt prune NAME';

/** The libvirts of these environments, the private host if it runs, and others, each once. */
async function machinesOf(
  records: readonly EnvironmentRecord[],
  others: readonly Machine[],
): Promise<Machine[]> {
  const host = (await findPrivateHost(privateHostFolder())) ? [privateMachine()] : [];
  const machines = [...host, ...records.filter(({ host }) => host !== 'private').map(machineOf), ...others];
  return machines.filter(({ place }, at) => machines.findIndex((other) => other.place === place) === at);
}

/** Whoever has lost the records of all that they had there names what is left. */
const systemMachine: Machine = { place: withoutDriver(systemUri('any')), isPrivate: false };

const privateMachine = (): Machine => ({ place: privateHostUri(privateHostFolder(), ''), isPrivate: true });

const machineOf = ({ host, uri }: EnvironmentRecord): Machine =>
  host === 'private' ? privateMachine() : { place: withoutDriver(uri), isPrivate: false };

/** Environments that have something on a machine and are none of these, through each backend that can be there. */
async function goneOn(
  { place, isPrivate }: Machine,
  known: readonly string[],
  log: Log,
  signal: AbortSignal,
): Promise<Territory[]> {
  const modules = await modulesAt(place, signal);
  const siteOf = (module: BackendModule, environment: string): Site => {
    const { pool: storagePool, network } = objectNames(environment);
    const uri = uriAt(module, place);
    const networkNamespace = networkNamespaceOf({ host: isPrivate ? 'private' : 'given' });
    return { module, config: { environment, uri, storagePool, network, networkNamespace, options: {} } };
  };
  const names = new Set<string>();
  for (const module of modules) {
    await using backend = await module.open(siteOf(module, '').config, log);
    for (const name of await backend.ground.environments()) names.add(name);
  }
  return [...names]
    .filter((name) => !known.includes(name))
    .map((environment) => ({
      environment,
      gone: true,
      sites: modules.map((module) => siteOf(module, environment)),
    }));
}
