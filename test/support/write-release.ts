import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { type TarballFile, tarball } from '../../src/release/tarball.ts';

export interface TestPackage {
  readonly name: string;
  /** The script that compiles it, in sh. */
  readonly packaging: string;
  readonly files: readonly TarballFile[];
}

export interface TestJob {
  readonly name: string;
  readonly packages?: readonly string[];
  /** Templates by where they come to lie in the job's folder. */
  readonly templates?: Readonly<Record<string, string>>;
  readonly monit?: string;
  /** Names of properties that the templates ask for, with their defaults. */
  readonly properties?: Readonly<Record<string, { readonly default?: string }>>;
}

export interface TestRelease {
  readonly name: string;
  readonly version: string;
  readonly jobs: readonly TestJob[];
  readonly packages?: readonly TestPackage[];
}

const digest = (algorithm: 'sha1' | 'sha256', content: Uint8Array): string =>
  createHash(algorithm).update(content).digest('hex');

/** Writes a release of sources at `path`, as `bosh create-release` would, and gives its SHA-1. */
export async function writeRelease(path: string, release: TestRelease): Promise<string> {
  const packages = await Promise.all((release.packages ?? []).map(packed));
  const jobs = await Promise.all(release.jobs.map(packedJob));
  const manifest = {
    name: release.name,
    version: release.version,
    commit_hash: 'unknown',
    uncommitted_changes: false,
    jobs: jobs.map(({ of: { name, packages: needs = [] }, ...marks }) => ({
      name,
      ...marked(marks),
      packages: needs,
    })),
    packages: packages.map(({ of: { name }, ...marks }) => ({ name, ...marked(marks), dependencies: [] })),
  };
  const content = await tarball([
    { name: 'release.MF', content: stringify(manifest) },
    ...jobs.map(({ of, content }) => ({ name: `jobs/${of.name}.tgz`, content })),
    ...packages.map(({ of, content }) => ({ name: `packages/${of.name}.tgz`, content })),
  ]);
  await writeFile(path, content);
  return digest('sha1', content);
}

function marked({ content }: { content: Uint8Array }) {
  const fingerprint = digest('sha256', content);
  return { version: fingerprint, fingerprint, sha1: digest('sha1', content) };
}

async function packed(of: TestPackage) {
  const files = [{ name: 'packaging', content: of.packaging, mode: 0o755 }, ...of.files];
  return { of, content: await tarball(files) };
}

async function packedJob(of: TestJob) {
  const templates = Object.entries(of.templates ?? {});
  const spec = {
    name: of.name,
    templates: Object.fromEntries(templates.map(([target], at) => [`${at}.erb`, target])),
    packages: of.packages ?? [],
    properties: Object.fromEntries(
      Object.entries(of.properties ?? {}).map(([name, facts]) => [name, { description: name, ...facts }]),
    ),
  };
  const content = await tarball([
    { name: 'job.MF', content: stringify(spec) },
    { name: 'monit', content: of.monit ?? '' },
    ...templates.map(([, text], at) => ({ name: `templates/${at}.erb`, content: text })),
  ]);
  return { of, content };
}
