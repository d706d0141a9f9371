import { BlockList } from 'node:net';
import { UserError } from '../../platform/errors.ts';
import { isMap, type Node, type NodeMap } from '../template/index.ts';

/** What create-env needs of a manifest, in the shapes in which it is handed on. */
export interface MachinePlan {
  readonly deployment: string;
  readonly group: string;
  readonly stemcell: { readonly path: string; readonly sha1: string | undefined };
  readonly vmCloudProperties: NodeMap;
  readonly env: NodeMap;
  readonly networks: NodeMap;
  readonly disk: { readonly sizeMb: number; readonly cloudProperties: NodeMap } | undefined;
  readonly mbus: string;
  readonly ca: string;
  readonly cpiProperties: NodeMap;
  readonly tags: NodeMap;
}

/**
 * Reads a create-env manifest with one instance group, one instance and no jobs. Throws a UserError that names the key for
 * everything else; jobs need the bosh CLI, which compiles and renders.
 */
export function planFrom(manifest: NodeMap): MachinePlan {
  const groups = listOf(manifest, manifest.instance_groups === undefined ? 'jobs' : 'instance_groups');
  if (groups.length !== 1)
    throw wrong('instance_groups', `exactly one is expected, there are ${groups.length}`);
  const group = groups[0] as NodeMap;
  refuseJobs(group);
  const pool = byName(manifest, 'resource_pools', group.resource_pool ?? 'vms');
  const provider = requireMap(manifest, 'cloud_provider');
  const stemcell = requireMap(pool, 'stemcell');
  const tags = isMap(manifest.tags) ? manifest.tags : {};
  const env = isMap(pool.env) ? pool.env : {};
  return {
    deployment: textOf(manifest, 'name'),
    group: textOf(group, 'name'),
    stemcell: {
      path: fileOf(textOf(stemcell, 'url')),
      sha1: typeof stemcell.sha1 === 'string' ? stemcell.sha1 : undefined,
    },
    vmCloudProperties: mapOr(pool, 'cloud_properties'),
    env: withTags(env, tags),
    networks: networksOf(manifest, group),
    disk: diskOf(manifest, group),
    mbus: textOf(provider, 'mbus'),
    ca: textOf(requireMap(provider, 'cert'), 'ca'),
    cpiProperties: mapOr(provider, 'properties'),
    tags,
  };
}

function refuseJobs(group: NodeMap): void {
  const jobs = group.jobs ?? group.templates;
  if (!Array.isArray(jobs) || jobs.length === 0) return;
  throw new UserError(
    'UNSUPPORTED',
    `Instance group ${String(group.name)} has jobs; the built-in engine neither compiles nor renders`,
    {
      hints: ['install the bosh CLI and Ruby, then: boshvirt up --engine bosh-cli'],
    },
  );
}

/** bosh puts the deployment's tags into the agent's environment. */
function withTags(env: NodeMap, tags: NodeMap): NodeMap {
  if (Object.keys(tags).length === 0) return env;
  return { ...env, bosh: { ...mapOr(env, 'bosh'), tags } };
}

function networksOf(manifest: NodeMap, group: NodeMap): NodeMap {
  const wanted = listOf(group, 'networks');
  if (wanted.length === 0) throw wrong('instance_groups/0/networks', 'the machine has no network');
  return Object.fromEntries(wanted.map((entry) => networkOf(manifest, entry, wanted.length === 1)));
}

function networkOf(manifest: NodeMap, entry: NodeMap, only: boolean): [string, NodeMap] {
  const name = textOf(entry, 'name');
  const network = byName(manifest, 'networks', name);
  const type = String(network.type ?? 'manual');
  const defaults = Array.isArray(entry.default) ? entry.default : only ? ['dns', 'gateway'] : [];
  const ip = Array.isArray(entry.static_ips) ? entry.static_ips[0] : undefined;
  const common: NodeMap = {
    type,
    ...(defaults.length > 0 ? { default: defaults } : {}),
    ...(ip === undefined ? {} : { ip }),
  };
  if (type !== 'manual')
    return [
      name,
      { ...common, cloud_properties: mapOr(network, 'cloud_properties'), ...optional(network, 'dns') },
    ];
  const subnets = listOf(network, 'subnets');
  const subnet = subnets.find((each) => typeof ip === 'string' && contains(textOf(each, 'range'), ip));
  if (!subnet) throw wrong(`networks/name=${name}`, `no subnet holds the static address ${String(ip)}`);
  return [
    name,
    {
      ...common,
      gateway: textOf(subnet, 'gateway'),
      netmask: netmaskOf(textOf(subnet, 'range')),
      ...optional(subnet, 'dns'),
      cloud_properties: mapOr(subnet, 'cloud_properties'),
    },
  ];
}

function contains(range: string, ip: string): boolean {
  const [address = '', length = '32'] = range.split('/');
  const list = new BlockList();
  list.addSubnet(address, Number(length));
  return list.check(ip);
}

function netmaskOf(range: string): string {
  const length = Number(range.split('/')[1] ?? 32);
  return [0, 8, 16, 24].map((start) => 256 - 2 ** (8 - Math.min(8, Math.max(0, length - start)))).join('.');
}

function diskOf(manifest: NodeMap, group: NodeMap): MachinePlan['disk'] {
  const name = group.persistent_disk_pool;
  if (typeof name === 'string') {
    const pool = byName(manifest, 'disk_pools', name);
    const sizeMb = Number(pool.disk_size);
    if (!Number.isInteger(sizeMb) || sizeMb < 0)
      throw wrong(`disk_pools/name=${name}/disk_size`, 'it has to be a number of MiB');
    return sizeMb === 0 ? undefined : { sizeMb, cloudProperties: mapOr(pool, 'cloud_properties') };
  }
  const sizeMb = Number(group.persistent_disk ?? 0);
  return sizeMb > 0 ? { sizeMb, cloudProperties: {} } : undefined;
}

function fileOf(url: string): string {
  if (url.startsWith('file://')) return url.slice('file://'.length);
  if (url.startsWith('/')) return url;
  throw new UserError(
    'UNSUPPORTED',
    `The stemcell ${url} is no local file; the built-in engine does not download`,
    {
      hints: ['download it and name the file with --stemcell', 'or use the bosh CLI: --engine bosh-cli'],
    },
  );
}

function byName(manifest: NodeMap, key: string, name: Node): NodeMap {
  const found = listOf(manifest, key).find((entry) => entry.name === name);
  if (found) return found;
  throw wrong(key, `there is none named ${String(name)}`);
}

function listOf(node: NodeMap, key: string): NodeMap[] {
  const value = node[key];
  if (Array.isArray(value) && value.every((entry) => isMap(entry))) return value as NodeMap[];
  throw wrong(key, 'a list of maps is expected');
}

function requireMap(node: NodeMap, key: string): NodeMap {
  const value = node[key] ?? null;
  if (isMap(value)) return value;
  throw wrong(key, 'a map is expected');
}

function textOf(node: NodeMap, key: string): string {
  const value = node[key];
  if (typeof value === 'string' && value !== '') return value;
  throw wrong(key, 'a text is expected');
}

const mapOr = (node: NodeMap, key: string): NodeMap => {
  const value = node[key] ?? null;
  return isMap(value) ? value : {};
};

const optional = (node: NodeMap, key: string): NodeMap =>
  node[key] === undefined ? {} : { [key]: node[key] as Node };

function wrong(key: string, why: string): UserError {
  return new UserError('USAGE', `The manifest cannot be deployed: ${key}: ${why}`);
}
