import type { StemcellLine } from './warden-stemcell.ts';

/** What is asked to decide whether to use releases that were compiled by others. */
export interface ReleaseQuestion {
  /** The stemcell that the manifest asks for, after the user's ops-files. */
  readonly wanted: StemcellLine;
  /** A user's ops-file chose that stemcell: it is not changed. */
  readonly wantedByUser: boolean;
  /** Versions by name, as the manifest has them. */
  readonly releases: ReadonlyMap<string, string>;
  readonly compiled: readonly CompiledRelease[];
  /** Whether the stemcell that they are compiled for can be had: always, except where nothing may be fetched. */
  readonly canHaveTheirs: boolean;
}

/** An entry of cf-deployment's use-compiled-releases.yml. */
export interface CompiledRelease {
  readonly name: string;
  readonly version: string;
  readonly stemcell: StemcellLine;
}

export interface ReleaseChoice {
  readonly compiled: boolean;
  readonly stemcell: StemcellLine;
  /** In a line, for people. */
  readonly why: string;
}

/**
 * Compiled releases spare an hour of compilation. The director takes a compiled package for exactly its stemcell and, of a
 * release without source, also for another version of the same line (`1.` of 1.333). So the stemcell becomes theirs where
 * that can be had: it is downloaded once in any case, and is right whatever sources the director has from before.
 */
export function chooseReleases(question: ReleaseQuestion): ReleaseChoice {
  const { wanted, wantedByUser, compiled, canHaveTheirs } = question;
  const fromSource = (reason: string) => ({
    compiled: false,
    stemcell: wanted,
    why: `releases are compiled here, which takes an hour or more: ${reason}`,
  });
  const theirs = compiled[0]?.stemcell;
  if (theirs === undefined) return fromSource('this cf-deployment names no compiled ones');
  const stemcells = new Set(compiled.map(({ stemcell }) => words(stemcell)));
  if (stemcells.size > 1) return fromSource(`the compiled ones are for ${[...stemcells].join(' and ')}`);
  const other = compiled.find(({ name, version }) => isOther(question.releases.get(name), version));
  if (other)
    return fromSource(
      `${other.name} is compiled in version ${other.version}, the manifest has ${question.releases.get(other.name)}`,
    );
  if (theirs.os !== wanted.os) return fromSource(`the compiled ones are for ${theirs.os}, not ${wanted.os}`);
  const same = theirs.version === wanted.version;
  const all = `${compiled.length} releases are compiled for ${words(theirs)}`;
  if (same) return { compiled: true, stemcell: wanted, why: `${all}, the manifest's stemcell` };
  if (!wantedByUser && canHaveTheirs) {
    return {
      compiled: true,
      stemcell: theirs,
      why: `${all}: that stemcell is used instead of the manifest's ${wanted.version}`,
    };
  }
  if (lineOf(theirs) !== lineOf(wanted)) return fromSource(`the compiled ones are for ${words(theirs)}`);
  return { compiled: true, stemcell: wanted, why: `${all}, which fits its line, ${wanted.version} too` };
}

const isOther = (inManifest: string | undefined, compiled: string): boolean =>
  inManifest !== undefined && inManifest !== compiled;
const lineOf = ({ version }: StemcellLine): string => version.split('.')[0] ?? version;
const words = ({ os, version }: StemcellLine): string => `${os} ${version}`;
