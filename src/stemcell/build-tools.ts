import { UserError } from '../platform/errors.ts';
import { which } from '../platform/process.ts';

/**
 * Programs that the build runs, by the Debian package that brings them. Everything else (boot loader, FAT tools, what goes
 * into the guest) is taken from packages that are downloaded and unpacked, never installed.
 */
const programs = {
  apt: ['apt-get', 'apt-cache'],
  dpkg: ['dpkg-deb'],
  'util-linux': ['flock'],
} as const;

/** Throws a UserError that names every missing program, of these and of `others`, and its package. */
export async function requireBuildTools(others: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const missing: string[] = [];
  for (const [name, needed] of Object.entries({ ...programs, ...others })) {
    const found = await Promise.all(needed.map(which));
    if (found.includes(undefined)) missing.push(name);
  }
  if (missing.length === 0) return;
  throw new UserError(
    'PREFLIGHT',
    `Building the probe stemcell needs programs of ${missing.join(', ')}, which are not installed`,
    {
      hints: [
        missing.includes('apt')
          ? 'build it on Debian, or name a stemcell with --stemcell'
          : `sudo apt-get install ${missing.join(' ')}`,
      ],
    },
  );
}
