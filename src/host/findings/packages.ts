import { existsSync } from 'node:fs';
import type { PackageNeed } from '../../platform/package-need.ts';
import { which } from '../../platform/process.ts';

/** What builds the probe stemcell. */
export const stemcellPackages: readonly PackageNeed[] = [
  { package: 'apt', program: 'apt-get' },
  { package: 'dpkg', program: 'dpkg-deb' },
  { package: 'e2fsprogs', program: 'mke2fs' },
  { package: 'xz-utils', program: 'xz' }, // Debian 13's kernel modules are packed with it
];

/** bosh renders the templates of a director's jobs with it. */
export const directorPackages: readonly PackageNeed[] = [{ package: 'ruby', program: 'ruby' }];

/** Debian packages of whose programs or files this machine lacks one. Looks for the files alone: a few milliseconds. */
export async function missingPackages(needs: readonly PackageNeed[]): Promise<string[]> {
  const missing = await Promise.all(needs.map(async (each) => ((await isThere(each)) ? [] : [each.package])));
  return [...new Set(missing.flat())];
}

async function isThere({ program, files = [] }: PackageNeed): Promise<boolean> {
  if (program !== undefined) return (await which(program)) !== undefined;
  return files.some((file) => existsSync(file));
}
