import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFileAtomic } from '../platform/files.ts';
import { type Log, silentLog } from '../platform/log.ts';
import { packageRoot } from '../platform/package-root.ts';
import { tarball } from './tarball.ts';

/** Where the tarball goes: to a path, or under a name of its own into a folder. */
export type CpiReleaseTarget = { readonly outPath: string } | { readonly cacheDir: string };

export interface CpiRelease {
  readonly path: string;
  readonly name: 'boshvirt-cpi';
  readonly version: string;
  /** Hex digests of the tarball. */
  readonly sha1: string;
  readonly sha256: string;
}

const name = 'boshvirt-cpi';
const jobName = 'boshvirt_cpi';

/**
 * Writes the CPI release tarball: one job without packages, whose bin/cpi starts the boshvirt of the machine (contract 5.4) or,
 * in a director's VM, asks that of the host.
 * The same boshvirt makes the same bytes; another content has another version, since bosh tells releases by their version.
 */
export async function buildCpiRelease(
  target: CpiReleaseTarget & { readonly log?: Log },
): Promise<CpiRelease> {
  const job = await packJob();
  const fingerprint = digest('sha256', job);
  const version = `${await packageVersion()}+${fingerprint.slice(0, 8)}`;
  const content = await tarball([
    { name: 'release.MF', content: stringify(releaseManifest(version, fingerprint, digest('sha1', job))) },
    { name: `jobs/${jobName}.tgz`, content: job },
  ]);
  const path = 'outPath' in target ? target.outPath : join(target.cacheDir, `${name}-${version}.tgz`);
  await writeFileAtomic(path, content, { mode: 0o644 });
  (target.log ?? silentLog).info(`CPI release ${name}/${version} is ${path}`);
  return { path, name, version, sha1: digest('sha1', content), sha256: digest('sha256', content) };
}

async function packJob(): Promise<Buffer> {
  const folder = join(packageRoot(), 'templates', 'release');
  const file = async (source: string, name = source) => ({
    name,
    content: await readFile(join(folder, source)),
  });
  const templates = (await readdir(folder)).filter((name) => name.endsWith('.erb')).sort();
  return await tarball(
    await Promise.all([
      file('job.MF'),
      file('monit'),
      ...templates.map((name) => file(name, `templates/${name}`)),
    ]),
  );
}

function releaseManifest(version: string, fingerprint: string, sha1: string) {
  return {
    name,
    version,
    // a director wants the commit; a tarball made on a user's machine has none
    commit_hash: 'unknown',
    uncommitted_changes: false,
    jobs: [{ name: jobName, version: fingerprint, fingerprint, sha1, packages: [] }],
    packages: [],
  };
}

async function packageVersion(): Promise<string> {
  const manifest: { version: string } = JSON.parse(
    await readFile(join(packageRoot(), 'package.json'), 'utf8'),
  );
  return manifest.version;
}

const digest = (algorithm: 'sha1' | 'sha256', content: Uint8Array): string =>
  createHash(algorithm).update(content).digest('hex');
