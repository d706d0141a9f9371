import { createHash, randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRemote } from './address.ts';
import type { Fetched } from './artifact.ts';

/**
 * Puts what was fetched where bosh looks before it downloads: `.bosh/downloads` in its home folder. A file there is named after
 * the manifest's address and the manifest's checksum, letter by letter, and bosh believes it without a look inside (bosh-cli
 * installation/tarball/cache.go); so each appears whole or not at all.
 */
export async function seedBoshDownloads(fetched: readonly Fetched[], boshHome: string): Promise<void> {
  const folder = join(boshHome, '.bosh', 'downloads');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const item of fetched) {
    const [address] = item.artifact.urls;
    if (!isRemote(address)) continue; // bosh takes a file where it lies
    for (const digest of manifestDigests(item)) {
      await place(item.path, join(folder, `${sha1Of(address)}-${digest}`));
    }
  }
}

/** Where nobody says how the manifest writes the checksum, all that it may have written. */
function manifestDigests({ artifact, sha1, sha256 }: Fetched): readonly string[] {
  const written = artifact.digest ?? artifact.sha1;
  return written === undefined ? [sha1, `sha256:${sha256}`] : [written];
}

const sha1Of = (text: string): string => createHash('sha1').update(text).digest('hex');

/** A hard link, or where the file systems differ, a copy. */
async function place(from: string, to: string): Promise<void> {
  const arriving = `${to}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await link(from, arriving).catch(() => copyFile(from, arriving));
    await rename(arriving, to);
  } finally {
    await rm(arriving, { force: true }); // rename does nothing between two links of one file
  }
}
