import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../platform/errors.ts';
import { packageRoot } from '../platform/package-root.ts';
import { commonParts } from './common-parts.ts';
import type { DebianPackage, DebianPackages, PackageWish } from './debian-packages.ts';
import { type GuestParts, joinParts } from './guest-parts.ts';
import { hashFile } from './hash-file.ts';
import { ownAgent } from './own-agent.ts';
import type { ProbeForm } from './probe-form.ts';
import type { GuestSources } from './probe-guest.ts';
import { realAgent } from './real-agent.ts';

/** Raise it when the same inputs shall give another image. */
const recipe = 1;

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
 * Finds all that goes into a stemcell of that form, with the bosh-agent at `agentPath` or else our own, and downloads nothing.
 * Throws a UserError for what is missing.
 */
export async function gatherInputs(
  debian: DebianPackages,
  form: ProbeForm,
  agentPath: string | undefined,
): Promise<ProbeInputs> {
  const agent = agentPath === undefined ? await ownAgent() : await realAgent(agentPath);
  const own = {
    scripts: join(packageRoot(), 'stemcells', 'probe', 'guest'),
    parts: joinParts(commonParts, form.parts, agent.parts, agent.formParts[form.name]),
    agentFiles: agent.files,
  };
  const packages = await choosePackages(debian, form, own.parts);
  const key = await keyOf(packages, form, own);
  return { packages, own, key, version: `0.${recipe}.0-${agent.mark}${key.slice(0, 12)}` };
}

async function choosePackages(
  debian: DebianPackages,
  { kernelPackage, toolPackages }: ProbeForm,
  parts: GuestParts,
): Promise<DebianPackage[]> {
  const kernel = kernelPackage === undefined ? [] : [await kernelOfTheDay(debian, kernelPackage)];
  const found = await debian.find([...kernel, ...parts.packages, ...toolPackages]);
  return [...new Map(found.map((one) => [one.name, one])).values()]; // two wishes may be one package
}

async function kernelOfTheDay(debian: DebianPackages, wish: PackageWish): Promise<PackageWish> {
  const [found] = await debian.find([wish]);
  const kernel = found?.depends.find((needed) => needed.startsWith('linux-image-'));
  if (kernel === undefined)
    throw new UserError('UNSUPPORTED', `Debian's package ${wish} names no kernel package`);
  return kernel;
}

/** Everything that decides the stemcell's bytes. */
async function keyOf(
  packages: readonly DebianPackage[],
  form: ProbeForm,
  own: ProbeInputs['own'],
): Promise<string> {
  const { parts, agentFiles, scripts } = own;
  const hash = createHash('sha256');
  const { stemcellName, stemcellFormats, cloudProperties } = form;
  const said = [stemcellName, stemcellFormats, cloudProperties, form.recipe];
  hash.update(JSON.stringify([recipe, said, parts, process.versions.zlib]));
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
