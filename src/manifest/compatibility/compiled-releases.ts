import { basename } from 'node:path';
import type { Finding } from '../../platform/finding.ts';
import type { ReleaseEntry } from './director-manifest.ts';
import { type StemcellLine, words } from './stemcell-line.ts';

const about = {
  id: 'release.compiled',
  title: 'Compiled releases',
  why: 'bosh create-env takes compiled packages as they are, whatever stemcell they were compiled for (cloudfoundry/bosh#1786)',
} as const;

/** Releases that were compiled for another stemcell than the one that the machine boots from. */
export function compiledElsewhere(releases: readonly ReleaseEntry[], stemcell: StemcellLine): Finding[] {
  const compiled = releases.flatMap((release) => {
    const line = compiledFor(release);
    return line ? [{ name: release.name, line }] : [];
  });
  const otherOs = compiled.filter(({ line }) => line.os !== stemcell.os);
  if (otherOs.length > 0) {
    const fix = `take a stemcell of ${linesOf(otherOs)}, or releases that are not compiled`;
    return [{ ...about, status: 'fail', detail: detailOf(otherOs, stemcell), fix }];
  }
  const otherVersion = compiled.filter(({ line }) => line.version !== stemcell.version);
  if (otherVersion.length === 0) return [];
  const fix = `mostly it works; a stemcell ${linesOf(otherVersion)} is what they were tried with`;
  return [{ ...about, status: 'warn', detail: detailOf(otherVersion, stemcell), fix }];
}

type Compiled = { readonly name: string; readonly line: StemcellLine };

const detailOf = (compiled: readonly Compiled[], stemcell: StemcellLine): string =>
  `${compiled.map(({ name }) => name).join(', ')} are compiled for ${linesOf(compiled)}, the machine has ${words(stemcell)}`;

const linesOf = (compiled: readonly Compiled[]): string =>
  [...new Set(compiled.map(({ line }) => words(line)))].join(' and ');

/** What the entry itself says, else the name of the tarball (`bosh-283.1.6-ubuntu-noble-1.484.tgz`). */
export function compiledFor({ url, stemcell }: ReleaseEntry): StemcellLine | undefined {
  if (stemcell) return { os: stemcell.os, version: String(stemcell.version) };
  const [, os, version] = basename(url ?? '').match(/-(ubuntu-[a-z]+)-(\d+(?:\.\d+)*)(?=[-.]\D|-\d|$)/) ?? [];
  return os === undefined || version === undefined ? undefined : { os, version };
}
