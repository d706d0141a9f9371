import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeploySource, EngineContext } from '../engine/engine.ts';
import { composeManifest } from '../manifest/compose.ts';
import type { Lock } from '../platform/lock.ts';
import { environmentPaths } from './paths.ts';
import type { EnvironmentRecord } from './record.ts';
import { networkNamespaceOf, roadTo } from './session.ts';
import type { Caller } from './steps/step.ts';

/** The stemcell's place in a manifest: a tarball on this machine, or an address that bosh downloads. */
export type StemcellSource = {
  readonly sha1: string;
  /** Of a stemcell that was looked into. */
  readonly name?: string;
  readonly version?: string;
} & ({ readonly path: string } | { readonly url: string });

/** As a manifest writes it. */
const urlOf = (stemcell: StemcellSource): string =>
  'url' in stemcell ? stemcell.url : `file://${stemcell.path}`;

/** What the environment's create-env is made from. */
export function deploySource(
  record: EnvironmentRecord,
  stemcell: StemcellSource,
  boshvirtCommand: string,
): DeploySource {
  const paths = environmentPaths(record.name);
  const composed = composeManifest({
    environment: record.name,
    backend: record.backend,
    profile: record.profile,
    boshDeployment: record.boshDeploymentFolder,
    uri: record.uri,
    networkNamespace: networkNamespaceOf(record) ?? '',
    command: boshvirtCommand,
    network: record.network,
    storagePool: record.pool.name,
    resources: record.resources,
    workload: record.workload,
    stemcell: { url: urlOf(stemcell), sha1: stemcell.sha1 },
    ops: record.ops,
  });
  return {
    ...composed,
    vars: { ...composed.vars, ...record.vars },
    varsFiles: record.varsFiles,
    statePath: paths.state,
    varsStorePath: paths.credentials,
  };
}

/** What an engine works with besides its sources; makes the folders and an empty log, all private to the user. */
export async function engineContext(
  record: EnvironmentRecord,
  boshvirtCommand: string,
  caller: Caller,
  lock: Lock,
  onProgress: (line: string) => void,
): Promise<EngineContext> {
  const paths = environmentPaths(record.name);
  await mkdir(paths.work, { recursive: true, mode: 0o700 });
  await mkdir(paths.logs, { recursive: true, mode: 0o700 });
  const logPath = engineLogPath(record.name);
  await (await open(logPath, 'a', 0o600)).close();
  return {
    log: caller.log,
    signal: caller.signal,
    workDir: paths.work,
    logPath,
    boshvirtCommand: [boshvirtCommand],
    road: await roadTo(record),
    lockDescriptor: lock.descriptor,
    onProgress,
  };
}

/** Everything that create-env, delete-env and the CPI said for this environment. */
export const engineLogPath = (name: string): string => join(environmentPaths(name).logs, 'create-env.log');
