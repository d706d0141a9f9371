import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, type Node, readYaml } from '../../engine/template/index.ts';
import { messageOf, UserError } from '../../platform/errors.ts';
import { isThere } from '../../platform/files.ts';
import type { CompiledRelease } from './choose-releases.ts';

/** The files of a cf-deployment that boshvirt uses. */
export interface CfTree {
  readonly folder: string;
  readonly manifest: string;
  readonly boshLite: string;
  /** Where it has one. */
  readonly compiledReleases: string | undefined;
}

/** Looks into a folder of cf-deployment. Throws a UserError if it is none. */
export async function cfTree(folder: string): Promise<CfTree> {
  const compiledReleases = join(folder, 'operations', 'use-compiled-releases.yml');
  const [manifest, boshLite] = [
    join(folder, 'cf-deployment.yml'),
    join(folder, 'operations', 'bosh-lite.yml'),
  ];
  for (const path of [manifest, boshLite]) {
    if (await isThere(path)) continue;
    throw new UserError('USAGE', `${folder} is no cf-deployment: there is no ${path}`, {
      hints: ['name a checkout of https://github.com/cloudfoundry/cf-deployment, or pinned'],
    });
  }
  const hasCompiled = await isThere(compiledReleases);
  return { folder, manifest, boshLite, compiledReleases: hasCompiled ? compiledReleases : undefined };
}

/** The releases that a cf-deployment's ops-file puts in place of those to compile. */
export async function compiledReleasesOf({ compiledReleases }: CfTree): Promise<CompiledRelease[]> {
  if (compiledReleases === undefined) return [];
  const operations = await readYamlFile(compiledReleases);
  return (Array.isArray(operations) ? operations : []).flatMap((operation) => {
    const release = isMap(operation) && isMap(operation.value) ? operation.value : undefined;
    if (!release || !isMap(release.stemcell)) return [];
    const { os, version } = release.stemcell;
    return [
      {
        name: String(release.name),
        version: String(release.version),
        stemcell: { os: String(os), version: String(version) },
      },
    ];
  });
}

async function readYamlFile(path: string): Promise<Node> {
  try {
    return readYaml(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError('USAGE', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
