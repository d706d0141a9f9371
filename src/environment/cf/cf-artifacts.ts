import type { Artifact } from '../../downloads/index.ts';
import { artifactsOf } from '../../manifest/artifacts.ts';
import type { CfRelease } from './plan-cf.ts';
import type { WardenStemcell } from './warden-stemcell.ts';

/** A stemcell as something to fetch. */
export const stemcellArtifact = ({ name, version, url, sha1 }: WardenStemcell): Artifact => ({
  name: `stemcell ${name}/${version}`,
  urls: [url],
  ...(sha1 === undefined ? {} : { sha1 }),
});

/** A release as something to fetch; undefined if it has no address. */
export const releaseArtifact = ({ name, version, url, digest: sha1 }: CfRelease): Artifact | undefined =>
  url === undefined
    ? undefined
    : artifactsOf(JSON.stringify({ releases: [{ name, version, url, sha1 }] }))[0];
