import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/platform/package-root.ts';
import { run } from '../../src/platform/process.ts';

/** A folder with `node_modules/boshvirt`, as `npm install` of the packed tarball would leave it (without dependencies). */
export interface PackedPackage extends AsyncDisposable {
  readonly folder: string;
  /** The installed package itself. */
  readonly installed: string;
}

/** Packs a copy of the checkout by npm, so that the checkout's own dist/ stays as others use it. */
export async function packPackage(): Promise<PackedPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'packed-'));
  const copy = join(folder, 'checkout');
  const installed = join(folder, 'node_modules', 'boshvirt');
  await copyCheckout(copy);
  await mkdir(installed, { recursive: true });
  await run(['npm', 'pack', '--silent', '--pack-destination', folder], { cwd: copy });
  await rm(copy, { recursive: true });
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await run(['tar', '-xzf', join(folder, tarball), '-C', installed, '--strip-components=1']);
  return {
    folder,
    installed,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function copyCheckout(to: string): Promise<void> {
  const root = packageRoot();
  const { stdout } = await run([
    'git',
    '-C',
    root,
    'ls-files',
    '-z',
    '-co',
    '--exclude-standard',
    '--deduplicate',
  ]);
  for (const path of stdout.split('\0').filter(Boolean)) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await cp(join(root, path), join(to, path)).catch(ignoreDeleted);
  }
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'));
}

/** A file that was deleted and not yet committed is still in git's list. */
function ignoreDeleted(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
