import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../../../platform/errors.ts';
import { isMap, type NodeMap } from '../../template/index.ts';
import { networksOf } from './networks.ts';
import { ManifestReader } from './reader.ts';
import { type WatchTime, watchTimeOf } from './watch-time.ts';

/** What create-env needs of a manifest, in the shapes in which it is handed on. */
export interface MachinePlan {
  readonly deployment: string;
  readonly group: string;
  readonly stemcell: { readonly path: string; readonly digest: string | undefined };
  readonly vmCloudProperties: NodeMap;
  readonly env: NodeMap;
  readonly networks: NodeMap;
  readonly disk: { readonly sizeMb: number; readonly cloudProperties: NodeMap } | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly watchTime: WatchTime;
}

/**
 * Reads a create-env manifest with one instance group, one instance and no jobs, by bosh's rules. Throws a UserError that
 * names every key that is wrong; jobs need the bosh CLI, which compiles and renders. File URLs are seen from the manifest.
 */
export function machinePlanFrom(manifest: NodeMap, manifestPath: string): MachinePlan {
  const reader = new ManifestReader();
  const group = onlyGroup(reader, manifest);
  const pool =
    reader.named(manifest, 'resource_pools', group.resource_pool, 'instance_groups/0/resource_pool') ?? {};
  const where = `resource_pools/name=${String(pool.name)}`;
  const stemcell = reader.map(pool, 'stemcell', where);
  const url = reader.text(stemcell, 'url', `${where}/stemcell`);
  const tags = tagsOf(reader, manifest);
  const plan: MachinePlan = {
    deployment: reader.text(manifest, 'name', ''),
    group: reader.text(group, 'name', 'instance_groups/0'),
    stemcell: { path: url === '' ? '' : fileOf(url, manifestPath), digest: digestOf(stemcell) },
    vmCloudProperties: reader.map(pool, 'cloud_properties', where),
    env: withTags(reader.map(pool, 'env', where), tags),
    networks: networksOf(reader, manifest, group),
    disk: diskOf(reader, manifest, group),
    tags,
    watchTime: watchTimeOf(reader, manifest),
  };
  reader.finish();
  return plan;
}

/** The one instance group, also under its old name `jobs`. */
function onlyGroup(reader: ManifestReader, manifest: NodeMap): NodeMap {
  const groups = [...reader.maps(manifest, 'instance_groups', ''), ...reader.maps(manifest, 'jobs', '')];
  const [group] = groups;
  if (group === undefined || groups.length > 1) {
    reader.problem('instance_groups', `exactly one is expected, there are ${groups.length}`);
    return {};
  }
  if (group.instances !== 1)
    reader.problem(
      'instance_groups/0/instances',
      `1 is expected, it is ${JSON.stringify(group.instances ?? null)}`,
    );
  if ((group.lifecycle ?? 'service') !== 'service')
    reader.problem('instance_groups/0/lifecycle', `service is expected, it is ${String(group.lifecycle)}`);
  refuseJobs(group);
  return group;
}

function refuseJobs(group: NodeMap): void {
  const jobs = [group.jobs, group.templates].flatMap((list) => (Array.isArray(list) ? list : []));
  if (jobs.length === 0) return;
  const names = jobs.map((job) => (isMap(job) ? String(job.name) : String(job)));
  throw new UserError(
    'UNSUPPORTED',
    `This manifest has jobs (${names.join(', ')}); the builtin engine cannot compile`,
    { hints: ['install the bosh CLI and Ruby, and use --engine bosh-cli'] },
  );
}

/** bosh takes any scalar for a tag and hands it on as text. */
function tagsOf(reader: ManifestReader, manifest: NodeMap): Record<string, string> {
  const entries = Object.entries(reader.map(manifest, 'tags', ''));
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]));
}

/** bosh puts the deployment's tags into the agent's environment. */
function withTags(env: NodeMap, tags: Record<string, string>): NodeMap {
  if (Object.keys(tags).length === 0) return env;
  return { ...env, bosh: { ...(isMap(env.bosh ?? null) ? (env.bosh as NodeMap) : {}), tags } };
}

function diskOf(reader: ManifestReader, manifest: NodeMap, group: NodeMap): MachinePlan['disk'] {
  const name = group.persistent_disk_pool ?? '';
  if (name === '') {
    const sizeMb = reader.megabytes(group, 'persistent_disk', 'instance_groups/0');
    return sizeMb > 0 ? { sizeMb, cloudProperties: {} } : undefined;
  }
  const pool = reader.named(manifest, 'disk_pools', name, 'instance_groups/0/persistent_disk_pool') ?? {};
  const where = `disk_pools/name=${String(name)}`;
  const sizeMb = reader.megabytes(pool, 'disk_size', where);
  const cloudProperties = reader.map(pool, 'cloud_properties', where);
  return sizeMb > 0 ? { sizeMb, cloudProperties } : undefined;
}

/** `sha1` may hold other digests too: `sha256:…`, several with `;` between. */
const digestOf = ({ sha1 }: NodeMap): string | undefined =>
  typeof sha1 === 'string' && sha1 !== '' ? sha1 : undefined;

function fileOf(url: string, manifestPath: string): string {
  const path = url.replace(/^file:\/\//, '');
  if (path.startsWith('~/')) return join(homedir(), path.slice(2));
  if (!path.includes('://')) return resolve(dirname(manifestPath), path);
  throw new UserError(
    'UNSUPPORTED',
    `The stemcell ${url} is no local file; the builtin engine does not download`,
    { hints: ['download it and name the file with --stemcell', 'or use the bosh CLI: --engine bosh-cli'] },
  );
}
