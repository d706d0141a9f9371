import { dirname, join } from 'node:path';
import type { LockTarget } from '../downloads/index.ts';
import { projectFile } from './config-file.ts';
import { cacheFolder, environmentPaths } from './paths.ts';

/** The lock file that holds for an environment's downloads. */
export type DownloadLock = Omit<LockTarget, 'part'>;

export const lockFileName = 'boshvirt.lock';

/**
 * The lock file beside the project's configuration, so that it is kept in version control with it; where there is none, the one in
 * the environment's folder.
 */
export async function downloadLock(
  environment: string,
  { configPath, update = false }: { configPath?: string | undefined; update?: boolean } = {},
): Promise<DownloadLock> {
  const project = await projectFile(configPath);
  const folder = project === undefined ? environmentPaths(environment).folder : dirname(project);
  const fallback = importedLockFile();
  return { path: join(folder, lockFileName), fallback, environment, update };
}

/** What bundles brought along for environments that were made on other machines. */
export const importedLockFile = (): string => join(cacheFolder(), 'downloads', lockFileName);
