import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../platform/errors.ts';
import { packageRoot } from '../platform/package-root.ts';
import { commonParts, kernelPackage, toolPackages } from './common-parts.ts';
import type { DebianPackage, DebianPackages } from './debian-packages.ts';
import { type GuestParts, joinParts } from './guest-parts.ts';
import { hashFile } from './hash-file.ts';
import { ownAgent } from './own-agent.ts';
import { bootSizeMb, recipe, rootSizeMb } from './probe-disk.ts';
import type { GuestSources } from './probe-guest.ts';
import { realAgent } from './real-agent.ts';

/** What a probe stemcell is made from. */
export interface ProbeInputs {
  readonly packages: readonly DebianPackage[];
  /** All but the unpacked packages. */
  readonly own: Omit<GuestSources, 'packages'>;
  /** Hex digits that are the same for the same inputs, and thereby for the same stemcell. */
  readonly key: string;
  /** Of the stemcell; tells which agent is in it. */
  readonly version: string;
}

/**
 * Finds all that goes into the stemcell, with the bosh-agent at `agentPath` or else our own, and downloads nothing. Throws a
 * UserError for what is missing.
 */
export async function gatherInputs(
  debian: DebianPackages,
  agentPath: string | undefined,
): Promise<ProbeInputs> {
  const agent = agentPath === undefined ? await ownAgent() : await realAgent(agentPath);
  const own = {
    scripts: join(packageRoot(), 'stemcells', 'probe', 'guest'),
    parts: joinParts(commonParts, agent.parts),
    agentFiles: agent.files,
  };
  const packages = await choosePackages(debian, own.parts);
  const key = await keyOf(packages, own);
  return { packages, own, key, version: `0.${recipe}.0-${agent.mark}${key.slice(0, 12)}` };
}

async function choosePackages(debian: DebianPackages, parts: GuestParts): Promise<DebianPackage[]> {
  const [kernelOfTheDay] = await debian.find([kernelPackage]);
  const kernel = kernelOfTheDay?.depends.find((needed) => needed.startsWith('linux-image-'));
  if (kernel === undefined)
    throw new UserError('UNSUPPORTED', `Debian's package ${kernelPackage} names no kernel package`);
  const found = await debian.find([kernel, ...parts.packages, ...toolPackages]);
  return [...new Map(found.map((one) => [one.name, one])).values()]; // two wishes may be one package
}

/** Everything that decides the stemcell's bytes. */
async function keyOf(packages: readonly DebianPackage[], own: ProbeInputs['own']): Promise<string> {
  const { parts, agentFiles, scripts } = own;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([recipe, bootSizeMb, rootSizeMb, parts, process.versions.zlib]));
  for (const { name, sha256 } of packages) hash.update(`${name} ${sha256}\n`);
  for (const { path, ...place } of agentFiles)
    hash.update(`${await hashFile(path, 'sha256')} ${JSON.stringify(place)}\n`);
  for (const file of await scriptFiles(scripts)) hash.update(await hashFile(file, 'sha256'));
  return hash.digest('hex').slice(0, 32);
}

async function scriptFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.sort();
}
