import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../cpi/backend.ts';
import type { ServeOptions } from '../../cpi/serve/index.ts';
import { cpiServerPort } from '../../manifest/compose.ts';
import { shortHash } from '../../platform/ids.ts';
import { packageRoot } from '../../platform/package-root.ts';
import { cpiHosts, needsMachinesNetwork } from '../hosts/open-host.ts';
import type { EnvironmentRecord } from '../record.ts';
import { networkNamespaceOf } from '../session.ts';
import { cpiCertificates } from './certificates.ts';
import { cpiServerPaths } from './paths.ts';

/** What the environment's CPI server is made of, as record and credentials are now. */
export async function serveOptions(record: EnvironmentRecord): Promise<Omit<ServeOptions, 'log'>> {
  const { work, audit } = cpiServerPaths(record.name);
  const served = {
    address: record.network.gateway,
    port: cpiServerPort,
    tls: await cpiCertificates(record.name, 'server'),
    cpiConfig: { ...cpiConfigOf(record), ...(await cpiHosts(record.name)) },
  };
  // who looks may run by another Node: only what the server does with it counts
  const identity = shortHash(JSON.stringify([served, packageRoot(), await packageVersion()]), 16);
  return { ...served, command: await cpiCommand(record), folder: work, auditPath: audit, identity };
}

/**
 * What starts a call. The server is in the network of a private libvirt host, from where no ssh comes to other machines: with hosts
 * there, calls go back to the machine's own network. The launcher only finds Node, which we have.
 */
async function cpiCommand(record: EnvironmentRecord): Promise<[string, ...string[]]> {
  const command = [process.execPath, join(packageRoot(), 'dist', 'main.cjs'), 'cpi'] as [string, ...string[]];
  const isApart = networkNamespaceOf(record) !== undefined && (await needsMachinesNetwork(record.name));
  return isApart ? ['nsenter', `--net=${machinesNetwork}`, ...command] : command;
}

/** That of the first process, whoever's child this one is. */
const machinesNetwork = '/proc/1/ns/net';

export const cpiServerUrl = ({ network }: EnvironmentRecord): string =>
  `https://${network.gateway}:${cpiServerPort}`;

/** The file form of cpi.json, without what the director's job says for its agents. */
const cpiConfigOf = (record: EnvironmentRecord): JsonObject => ({
  backend: record.backend,
  environment: record.name,
  libvirt: { uri: record.uri, network_namespace: networkNamespaceOf(record) ?? null },
  storage_pool: record.pool.name,
  network: record.network.name,
});

async function packageVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
