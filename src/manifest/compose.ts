import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BugError } from '../platform/errors.ts';
import { packageRoot } from '../platform/package-root.ts';

/** What tells one environment's manifest from another's. */
export interface ManifestFacts {
  readonly environment: string;
  readonly backend: string;
  readonly profile: 'lite' | 'director' | 'machine';
  /** With a director: the folder of bosh-deployment. */
  readonly boshDeployment?: string | undefined;
  readonly uri: string;
  /** Where libvirt's bridges are; '' on the machine itself. */
  readonly networkNamespace: string;
  readonly command: string;
  readonly network: {
    readonly name: string;
    readonly cidr: string;
    readonly gateway: string;
    readonly ip: string;
  };
  readonly storagePool: string;
  readonly resources: {
    readonly cpus: number;
    readonly memoryMb: number;
    readonly ephemeralDiskMb: number;
    readonly persistentDiskMb: number;
  };
  /** lite: the containers' range. */
  readonly workload?: { readonly cidr: string } | undefined;
  /** An address that bosh downloads, or file:// and a path. */
  readonly stemcell: { readonly url: string; readonly sha1: string };
  /** The user's own, applied last. */
  readonly ops: readonly string[];
}

export interface ComposedManifest {
  readonly manifestPath: string;
  readonly opsFiles: readonly string[];
  readonly vars: Readonly<Record<string, string | number>>;
}

/** Where `boshvirt cpi serve` listens, on the gateway's address of a director's network alone: one port for all environments. */
export const cpiServerPort = 6870;

/** Of a profile, the ops-files after the backend's: bosh-deployment's by name, then ours. */
const opsOf: Readonly<Record<ManifestFacts['profile'], { theirs: string[]; ours: string[] }>> = {
  machine: { theirs: [], ours: [] },
  lite: {
    theirs: ['bosh-lite', 'uaa', 'credhub', 'jumpbox-user'],
    ours: ['gateway-dns', 'vcap-key', 'lite'],
  },
  director: {
    theirs: ['uaa', 'credhub', 'jumpbox-user'],
    ours: ['gateway-dns', 'vcap-key', 'director'],
  },
};

/** Which manifest, ops-files and variables make this environment. Pure; variables are those of bosh-deployment where it has them. */
export function composeManifest(facts: ManifestFacts): ComposedManifest {
  const { theirs, ours } = opsOf[facts.profile];
  return {
    manifestPath:
      facts.profile === 'machine' ? ourFile('manifests/machine.yml') : theirFile(facts, 'bosh.yml'),
    opsFiles: [
      ourFile(`ops-files/${facts.backend}.yml`),
      ...theirs.map((name) => theirFile(facts, `${name}.yml`)),
      ...ours.map((name) => ourFile(`ops-files/${name}.yml`)),
      // what of the profile is otherwise on that backend, where anything is
      ...[ourFile(`ops-files/${facts.backend}-${facts.profile}.yml`)].filter((path) => existsSync(path)),
      ...facts.ops,
    ],
    vars: { ...machineVars(facts), ...directorVars(facts) },
  };
}

function machineVars({ resources, network, ...facts }: ManifestFacts): ComposedManifest['vars'] {
  return {
    environment_name: facts.environment,
    boshvirt_command: facts.command,
    libvirt_uri: facts.uri,
    libvirt_network_namespace: facts.networkNamespace,
    libvirt_network: network.name,
    libvirt_storage_pool: facts.storagePool,
    internal_cidr: network.cidr,
    internal_gw: network.gateway,
    internal_ip: network.ip,
    vm_cpus: resources.cpus,
    vm_memory_mb: resources.memoryMb,
    vm_ephemeral_disk_mb: resources.ephemeralDiskMb,
    persistent_disk_mb: resources.persistentDiskMb,
    stemcell_url: facts.stemcell.url,
    stemcell_sha1: facts.stemcell.sha1,
  };
}

/** bosh refuses a variable without a use where it is asked to: none is given that the profile has no place for. */
function directorVars({ profile, environment, workload }: ManifestFacts): ComposedManifest['vars'] {
  if (profile === 'machine') return {};
  if (profile === 'director') return { director_name: environment, boshvirt_cpi_port: cpiServerPort };
  if (workload === undefined)
    throw new BugError('the profile lite was composed without a range for containers');
  return { director_name: environment, workload_cidr: workload.cidr };
}

const ourFile = (path: string): string => join(packageRoot(), path);

function theirFile({ profile, boshDeployment }: ManifestFacts, path: string): string {
  if (boshDeployment === undefined)
    throw new BugError(`the profile ${profile} was composed without a folder of bosh-deployment`);
  return join(boshDeployment, path);
}
