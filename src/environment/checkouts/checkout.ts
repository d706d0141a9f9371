import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Artifact, type FetchOptions, fetchArtifacts } from '../../downloads/index.ts';
import { type RepositoryName, type RepositoryPin, readPins } from '../../manifest/pins.ts';
import { errnoOf, UserError } from '../../platform/errors.ts';
import { isThere } from '../../platform/files.ts';
import { readFolder, writeFolder } from './folders.ts';
import { readArchive } from './read-archive.ts';
import { type SourceFile, treeId } from './source-file.ts';

export interface CheckoutOptions extends FetchOptions {
  /** Where archives come from and what is expected of them; the package's own pin unless it is given. */
  readonly pin?: RepositoryPin;
}

/** A file that each of the repositories has at its top, by which a folder is known for one. */
const landmarks: Readonly<Record<RepositoryName, string>> = {
  'bosh-deployment': 'bosh.yml',
  'cf-deployment': 'cf-deployment.yml',
};

/**
 * The folder with the sources of `ref`: a folder of the user's, used as it is; a commit (40 digits); `pinned`, the commit
 * that this version of boshvirt was made for. A commit is fetched once and kept; the pinned one's content is compared with
 * git's own id of it. The folder is only read. Throws USAGE, CHECKSUM, and what fetching throws.
 */
export async function checkoutOf(
  name: RepositoryName,
  ref: string,
  options: CheckoutOptions,
): Promise<string> {
  const { pin = (await readPins()).repositories[name], onProgress } = options;
  const commit = ref === 'pinned' ? pin.commit : ref;
  if (!isCommit(commit)) return await usersFolder(name, ref);
  const folder = checkoutFolder(name, commit, options.cacheDir);
  const expected = commit === pin.commit ? pin.tree : undefined;
  if (await isWhole(folder, expected)) return folder;
  const files = await download(name, commit, pin, options);
  refuseOthers(name, commit, files, expected);
  await lay(folder, files);
  if (expected === undefined)
    onProgress?.(`${name} ${commit.slice(0, 8)} as it was sent: only the pinned commit can be checked`);
  return folder;
}

const isCommit = (ref: string): boolean => /^[0-9a-f]{40}$/.test(ref);

const checkoutFolder = (name: RepositoryName, commit: string, cacheDir: string): string =>
  join(cacheDir, 'checkouts', `${name}-${commit}`);

async function usersFolder(name: RepositoryName, ref: string): Promise<string> {
  if (await isThere(join(ref, landmarks[name]))) return ref;
  throw new UserError('USAGE', `'${ref}' is no folder of ${name}: there is no ${landmarks[name]} in it`, {
    hints: [
      `name a folder of ${name}, a whole commit of it (40 digits), or 'pinned' for the one that boshvirt was made for`,
    ],
  });
}

/** false as well for a pinned one in which somebody has changed something: it is made anew. */
async function isWhole(folder: string, expected: string | undefined): Promise<boolean> {
  if (!(await isThere(folder))) return false;
  return expected === undefined || treeId(await readFolder(folder)) === expected;
}

/** What is fetched for a ref that is not a folder. */
export async function checkoutArtifact(name: RepositoryName, ref: string): Promise<Artifact> {
  const pin = (await readPins()).repositories[name];
  return archiveOf(name, ref === 'pinned' ? pin.commit : ref, pin);
}

function archiveOf(name: RepositoryName, commit: string, pin: RepositoryPin): Artifact {
  const [first, ...mirrors] = pin.archives.map((address) => address.replace('((commit))', commit));
  return { name: `${name} ${commit.slice(0, 8)}`, urls: [first ?? '', ...mirrors] };
}

async function download(
  name: RepositoryName,
  commit: string,
  pin: RepositoryPin,
  options: CheckoutOptions,
): Promise<SourceFile[]> {
  const [fetched] = await fetchArtifacts([archiveOf(name, commit, pin)], options);
  return await readArchive(fetched?.path ?? '', options.signal);
}

function refuseOthers(
  name: RepositoryName,
  commit: string,
  files: readonly SourceFile[],
  expected: string | undefined,
): void {
  if (!files.some(({ path }) => path === landmarks[name]))
    throw new UserError('CHECKSUM', `What came as ${name} ${commit} holds no ${landmarks[name]}`);
  const found = treeId(files);
  if (expected === undefined || found === expected) return;
  throw new UserError(
    'CHECKSUM',
    `What came as ${name} ${commit} is not that commit: its files make the tree ${found}, expected ${expected}`,
    {
      hints: [
        'something on the way changes downloads (a proxy?), or the repository is not what it was',
        `a checkout of your own works too: --${name} FOLDER`,
      ],
    },
  );
}

/** All of it or nothing, also with several at once: the first to come lies there, and what another lays is the same. */
async function lay(folder: string, files: readonly SourceFile[]): Promise<void> {
  const arriving = `${folder}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFolder(arriving, files);
    await rm(folder, { recursive: true, force: true });
    await rename(arriving, folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await rm(arriving, { recursive: true, force: true });
  }
}
