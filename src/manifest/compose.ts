import { join } from 'node:path';
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
  readonly stemcell: { readonly path: string; readonly sha1: string };
  /** The user's own, applied last. */
  readonly ops: readonly string[];
}

export interface ComposedManifest {
  readonly manifestPath: string;
  readonly opsFiles: readonly string[];
  readonly vars: Readonly<Record<string, string | number>>;
}

/** Which manifest, ops-files and variables make this environment. Pure; variables are those of bosh-deployment where it has them. */
export function composeManifest(facts: ManifestFacts): ComposedManifest {
  const { resources, network } = facts;
  return {
    manifestPath: join(packageRoot(), 'manifests', `${facts.profile}.yml`),
    opsFiles: [join(packageRoot(), 'ops-files', `${facts.backend}.yml`), ...facts.ops],
    vars: {
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
      stemcell_url: `file://${facts.stemcell.path}`,
      stemcell_sha1: facts.stemcell.sha1,
    },
  };
}
