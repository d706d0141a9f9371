import { basename, dirname } from 'node:path';
import { type Domain, type Pool, parseXml, type Volume } from '../../clients/libvirt/index.ts';
import { CloudError } from '../errors.ts';
import { isNoDomain } from './errors.ts';
import { type LibvirtHost, poolPathIn } from './libvirt-host.ts';

/** Pools whose volumes are files, which ours all are. */
const folderPools = ['dir', 'fs', 'netfs'];

/** The storage pool that cloud properties name, the environment's if they name none. Throws a CloudError if it cannot be used. */
export async function poolFor(host: LibvirtHost, name: string | undefined): Promise<Pool> {
  if (name === undefined || name === host.config.storagePool) return await host.pool();
  const pool = await host.libvirt.findPool(name);
  if (!pool) {
    throw new CloudError(
      'CloudError',
      `cloud_properties.storage_pool: there is no storage pool '${name}' at ${host.config.uri}`,
      { hints: ['virsh pool-list --all shows what there is'] },
    );
  }
  if (!(await pool.isActive())) throw stopped(host, name);
  const type = /<pool type=['"](\w+)['"]/.exec(await pool.xml())?.[1];
  if (type !== undefined && folderPools.includes(type)) return pool;
  throw new CloudError(
    'NotSupported',
    `cloud_properties.storage_pool: pool '${name}' is of type ${type}; disks of VMs are files, in pools of type ${folderPools.join(', ')}`,
  );
}

/** The pool's folder on the hypervisor's machine. */
export const folderOf = async (pool: Pool): Promise<string> => poolPathIn(await pool.xml());

/**
 * The VM's own disks outside of the environment's folder, as its definition names them; none if it went away just now. Throws a
 * CloudError if their pool is stopped.
 */
export async function ownVolumesElsewhere(
  host: LibvirtHost,
  domain: Domain,
  folder: string | undefined,
): Promise<Volume[]> {
  const own = (await filesOf(domain)).filter((path) => basename(path).startsWith(`${domain.name}-`));
  return await volumesAt(
    host,
    own.filter((path) => dirname(path) !== folder),
  );
}

async function filesOf(domain: Domain): Promise<string[]> {
  try {
    const disks =
      parseXml(await domain.xml())
        .at('domain', 'devices')
        ?.children('disk') ?? [];
    return disks.flatMap((disk) => disk.child('source')?.attribute('file') ?? []);
  } catch (error) {
    if (isNoDomain(error)) return [];
    throw error;
  }
}

/**
 * The volumes at these paths, whichever pools they lie in; what no pool has is left out, with a warning. Throws a CloudError if a
 * pool that one lies in is stopped: nobody could say then whether the file is there.
 */
async function volumesAt(host: LibvirtHost, paths: readonly string[]): Promise<Volume[]> {
  const found = await Promise.all(paths.map((path) => host.libvirt.findVolumeByPath(path)));
  const missing = paths.filter((_, at) => found[at] === undefined);
  if (missing.length > 0) await refuseStoppedPools(host, missing);
  for (const path of missing)
    host.log.warn(`${path} is in no storage pool of ${host.config.uri}: it is left`);
  return found.filter((volume) => volume !== undefined);
}

/** The volumes of these names in all active pools but the environment's own. */
export async function volumesElsewhere(host: LibvirtHost, names: readonly string[]): Promise<Volume[]> {
  const pools = (await host.libvirt.listPools()).filter((pool) => pool.name !== host.config.storagePool);
  const found = await Promise.all(
    pools.map(async (pool) =>
      (await pool.isActive()) ? await Promise.all(names.map((name) => pool.findVolume(name))) : [],
    ),
  );
  return found.flat().filter((volume) => volume !== undefined);
}

async function refuseStoppedPools(host: LibvirtHost, paths: readonly string[]): Promise<void> {
  for (const pool of await host.libvirt.listPools()) {
    if (await pool.isActive()) continue;
    const xml = await pool.xml();
    const folder = /<path>/.test(xml) ? poolPathIn(xml) : undefined;
    if (paths.some((path) => path.startsWith(`${folder}/`))) throw stopped(host, pool.name);
  }
}

const stopped = (host: LibvirtHost, name: string) =>
  new CloudError('CloudError', `Storage pool '${name}' at ${host.config.uri} is stopped`, {
    hints: [`start it: virsh pool-start ${name}`],
  });

/** One that runs is no error. */
export async function startPool(pool: Pool): Promise<void> {
  if (!(await pool.isActive())) await pool.start();
}
