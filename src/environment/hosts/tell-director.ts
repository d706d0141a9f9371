import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify } from 'yaml';
import { UserError } from '../../platform/errors.ts';
import { writeFileAtomic } from '../../platform/files.ts';
import { type ConfigOutcome, currentConfig } from '../director/apply-config.ts';
import { applyConfig, type DirectorBosh, directorBosh } from '../director/index.ts';
import { environmentPaths } from '../paths.ts';
import type { EnvironmentRecord } from '../record.ts';
import type { Caller } from '../steps/step.ts';
import { readHosts } from './hosts-record.ts';
import { firstHost } from './plan-host.ts';
import { type CloudConfig, cpiConfigOf, spreadZones } from './zones.ts';

/** Of the cpi-config at the director; people may have others beside it. */
const cpiConfigName = 'boshvirt-hosts';
/** Of the cloud-config that zones are in. */
const cloudConfigName = 'default';

/**
 * Gives the director of an environment that is up an entry of its cpi-config for each host, and the zones of its cloud-config their
 * hosts; does nothing for an environment that has never had another host. Throws what bosh says.
 */
export async function tellDirector(
  record: EnvironmentRecord,
  caller: Pick<Caller, 'log' | 'signal'>,
  say: (line: string) => void,
): Promise<void> {
  const { hosts } = await readHosts(record.name);
  if (hosts.length === 0) return;
  if (record.phase !== 'up') {
    say(`it is not up: boshvirt up ${record.name} tells it`);
    return;
  }
  const joined = hosts.filter(({ phase }) => phase === 'joined').map(({ name }) => name);
  const bosh = await directorBosh(record, caller);
  // entries are there before zones name them, and go after
  const isGrowing = hosts.every(({ phase }) => phase !== 'leaving');
  if (isGrowing && (await giveEntries(bosh, joined, say)) === 'applied')
    say('upload stemcells again, for new hosts too: bosh upload-stemcell --fix');
  await giveZones(bosh, [firstHost, ...joined], say);
  if (!isGrowing) await giveEntries(bosh, joined, say);
}

async function giveEntries(
  bosh: DirectorBosh,
  hosts: readonly string[],
  say: (line: string) => void,
): Promise<ConfigOutcome> {
  const path = await written(bosh, 'cpi-config.yml', cpiConfigOf(hosts));
  const outcome = await applyConfig(bosh, 'cpi', cpiConfigName, path);
  if (outcome === 'kept')
    say(`the cpi-config '${cpiConfigName}' was changed by somebody and stays: ${path} is ours`);
  else say(`cpi-config: ${[firstHost, ...hosts].join(', ')}`);
  return outcome;
}

async function giveZones(
  bosh: DirectorBosh,
  hosts: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  const text = await currentConfig(bosh, 'cloud', cloudConfigName);
  if (text === undefined) {
    say(
      `the director has no cloud-config '${cloudConfigName}': its zones have to name hosts (cpi: ${hosts.join(', ')})`,
    );
    return;
  }
  const config = parse(text) as CloudConfig;
  const spread = spreadZones(config, { hosts, occupied: await occupiedZones(bosh) });
  const words = (spread.azs ?? []).map(({ name, cpi }) => `${name} on ${cpi}`).join(', ');
  if (!isDeepStrictEqual(config, spread)) {
    const path = await written(bosh, 'cloud-config.yml', spread);
    await bosh.run(['update-config', '--type=cloud', `--name=${cloudConfigName}`, path]);
  }
  say(`zones: ${words}`);
}

/** The director's VMs in zones on a host, by deployment and instance. Throws a UserError while nobody can ask it. */
export async function vmsInZonesOf(
  record: EnvironmentRecord,
  host: string,
  caller: Pick<Caller, 'log' | 'signal'>,
): Promise<string[]> {
  if (record.phase !== 'up')
    throw new UserError(
      'TEMPORARY',
      `The director of '${record.name}' is not up: nobody can tell what VMs are on '${host}'`,
      {
        hints: [`boshvirt up ${record.name} brings it up`, '--force does not ask'],
      },
    );
  const bosh = await directorBosh(record, caller);
  const text = await currentConfig(bosh, 'cloud', cloudConfigName);
  const { azs } = parse(text ?? '{}') as CloudConfig;
  const zones = (azs ?? []).filter(({ cpi }) => cpi === host).map(({ name }) => name);
  return (await directorsVms(bosh)).filter(({ az }) => zones.includes(az)).map(({ name }) => name);
}

/** Zones in which deployments have VMs. */
const occupiedZones = async (bosh: DirectorBosh): Promise<Set<string>> =>
  new Set((await directorsVms(bosh)).map(({ az }) => az).filter((az) => az !== ''));

async function directorsVms(bosh: DirectorBosh): Promise<{ name: string; az: string }[]> {
  const vms: { name: string; az: string }[] = [];
  for (const { name = '' } of await bosh.rows(['deployments']))
    for (const { instance = '', az = '' } of await bosh.rows([`--deployment=${name}`, 'vms']))
      vms.push({ name: `${name}/${instance}`, az });
  return vms;
}

async function written({ record }: DirectorBosh, name: string, config: object): Promise<string> {
  const path = join(environmentPaths(record.name).folder, 'hosts', name);
  await writeFileAtomic(path, stringify(config));
  return path;
}
