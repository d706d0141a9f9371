import type { DirectorBosh } from '../director/index.ts';
import type { WardenStemcell } from './warden-stemcell.ts';

/** What is on a director already, as `name/version`. */
export interface DirectorStock {
  readonly stemcells: ReadonlySet<string>;
  readonly releases: ReadonlySet<string>;
}

export const slug = ({ name, version }: { readonly name: string; readonly version: string }): string =>
  `${name}/${version}`;

/** Asks the director. */
export async function stockOf(bosh: DirectorBosh): Promise<DirectorStock> {
  return {
    stemcells: slugsIn(await bosh.rows(['stemcells'])),
    releases: slugsIn(await bosh.rows(['releases'])),
  };
}

/** Of `latest` any version will do: which one is the newest is for the director to say. */
export const hasStemcell = ({ stemcells }: DirectorStock, stemcell: WardenStemcell): boolean =>
  stemcell.version === 'latest'
    ? [...stemcells].some((there) => there.startsWith(`${stemcell.name}/`))
    : stemcells.has(slug(stemcell));

/** bosh's tables mark what is deployed with a star, and leave out a name that stands in the row above. */
function slugsIn(rows: readonly Readonly<Record<string, string>>[]): Set<string> {
  let name = '';
  return new Set(
    rows.map((row) => {
      name = row.name || name;
      return slug({ name, version: row.version?.replace('*', '') ?? '' });
    }),
  );
}
